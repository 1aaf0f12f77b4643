//! The tables, and what files of earlier versions lack.

use rusqlite::Connection;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, attributes TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL REFERENCES queues (name) ON DELETE CASCADE,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        sent INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        first_received INTEGER,
        receipt TEXT,
        source TEXT,
        message_group TEXT,
        deduplication_id TEXT
    );
    CREATE INDEX IF NOT EXISTS by_queue ON messages (queue, visible_at);
    CREATE TABLE IF NOT EXISTS deduplication (
        queue TEXT NOT NULL REFERENCES queues (name) ON DELETE CASCADE,
        message_group TEXT NOT NULL,
        id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        sent INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS by_deduplication_id ON deduplication (queue, id);
    PRAGMA foreign_keys = ON;
";

pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    // A file from before there were FIFO queues.
    for column in ["message_group", "deduplication_id"] {
        let query = "SELECT count(*) FROM pragma_table_info('messages') WHERE name = ?1";
        if connection.query_row(query, [column], |row| row.get::<_, u32>(0))? == 0 {
            connection.execute_batch(&format!("ALTER TABLE messages ADD COLUMN {column} TEXT"))?;
        }
    }
    connection
        .execute_batch("CREATE INDEX IF NOT EXISTS by_group ON messages (queue, message_group, visible_at)")
}
