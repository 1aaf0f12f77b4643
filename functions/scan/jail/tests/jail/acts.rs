//! What the work does in the child, by the name of the act in its task.

#![expect(unsafe_code, reason = "hostile code does not ask")]

use airlock_jail::Task;
use std::{
    ffi::CString,
    fs::File,
    io::{self, Read, Seek, Write},
    net::TcpStream,
    os::{fd::AsRawFd, unix::fs::FileExt},
};

/// The report descriptor's place, and that of the descriptor that says that the child lives.
const REPORT: i32 = 5;
const LIFE: i32 = 6;

fn raw(descriptor: i32, bytes: &[u8]) {
    // SAFETY: reads `bytes`, which live.
    unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
}

fn frame(length: u32, bytes: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), bytes].concat()
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// "reached" if what must not succeed does.
fn verdict<T>(result: io::Result<T>) -> Vec<u8> {
    match result {
        Ok(_) => b"reached".to_vec(),
        Err(error) => format!("refused: {error}").into_bytes(),
    }
}

fn checked(result: i64) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sums a mapping of the object, as libyara reads one, and writes some of it to the scratch file.
fn benign(task: &mut Task) -> io::Result<Vec<u8>> {
    let size = usize::try_from(task.size).unwrap();
    // SAFETY: nobody can shrink a sealed object.
    let mapped = unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            task.object.as_raw_fd(),
            0,
        );
        assert_ne!(start, libc::MAP_FAILED);
        std::slice::from_raw_parts(start.cast::<u8>(), size)
    };
    let sum: u64 = mapped.iter().map(|byte| u64::from(*byte)).sum();
    let mut read = Vec::new();
    task.object.read_to_end(&mut read)?;
    assert_eq!(read, mapped);
    task.scratch.set_len(0)?;
    task.scratch.write_all(&read[..read.len().min(100)])?;
    task.scratch.rewind()?;
    let mut back = Vec::new();
    task.scratch.read_to_end(&mut back)?;
    assert_eq!(back, &read[..read.len().min(100)]);
    let _ = (std::time::Instant::now(), std::time::SystemTime::now());
    assert!(std::collections::HashMap::from([(1, 2)]).contains_key(&1));
    assert!(std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(1))).is_err());
    Ok(format!("{sum}").into_bytes())
}

/// The act that the task names. After a blank, what the act needs to know.
pub(crate) fn perform(mut task: Task) -> Vec<u8> {
    let text = String::from_utf8(std::mem::take(&mut task.bytes)).unwrap();
    let (act, detail) = text.split_once(' ').unwrap_or((&text, ""));
    let parent = || detail.parse::<i32>().unwrap();
    match act {
        "benign" => benign(&mut task).unwrap(),
        "echo" => detail.as_bytes().to_vec(),
        "large" => vec![7; detail.parse().unwrap()],
        "connect" => verdict(TcpStream::connect("127.0.0.1:9")),
        "unix" => verdict(std::os::unix::net::UnixStream::pair()),
        "exec" => {
            let path = CString::new("/bin/sh").unwrap();
            let arguments = [path.as_ptr(), c"-c".as_ptr(), c"exit 0".as_ptr(), std::ptr::null()];
            // SAFETY: both lists end with a null.
            unsafe { libc::execv(path.as_ptr(), arguments.as_ptr()) };
            verdict::<()>(Err(io::Error::last_os_error()))
        }
        "fork" => {
            // SAFETY: a child would report like its parent.
            verdict(checked(i64::from(unsafe { libc::fork() })))
        }
        "thread" => verdict(std::thread::Builder::new().spawn(|| ())),
        "memfd" => {
            // SAFETY: makes a descriptor.
            verdict(checked(i64::from(unsafe { libc::memfd_create(c"x".as_ptr(), 0) })))
        }
        "reuse-descriptor" => {
            // SAFETY: the standard streams are nobody's here.
            unsafe { libc::close(0) };
            verdict(File::open("/etc/hostname"))
        }
        "ptrace" => {
            // SAFETY: attaches, if it may.
            verdict(checked(unsafe { libc::ptrace(libc::PTRACE_ATTACH, parent(), 0, 0) }))
        }
        "ptrace-zygote" => {
            // SAFETY: as above.
            verdict(checked(unsafe { libc::ptrace(libc::PTRACE_SEIZE, libc::getppid(), 0, 0) }))
        }
        "read-memory" => {
            let mut byte = 0_u8;
            let at = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            // SAFETY: one byte, to `byte`; the zygote has the same at the same place.
            verdict(checked(unsafe {
                libc::process_vm_readv(libc::getppid(), &raw const at, 1, &raw const at, 1, 0) as i64
            }))
        }
        "environ" => verdict(std::fs::read(format!("/proc/{}/environ", parent()))),
        "mem" => verdict(File::open(format!("/proc/{}/mem", parent()))),
        "passwd" => verdict(File::options().append(true).open("/etc/passwd")),
        "write-object" => {
            assert!(task.object.set_len(0).is_err());
            verdict(task.object.write_all_at(b"x", 0))
        }
        "reopen-object" => verdict(File::options().write(true).open("/proc/self/fd/3")),
        "remap-object" => {
            // SAFETY: maps, if it may.
            let mapped = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    1,
                    libc::PROT_WRITE,
                    libc::MAP_SHARED,
                    task.object.as_raw_fd(),
                    0,
                )
            };
            verdict(checked(if mapped == libc::MAP_FAILED { -1 } else { 0 }))
        }
        "executable-memory" => {
            // SAFETY: maps, if it may.
            let mapped = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                libc::mmap(std::ptr::null_mut(), 1, libc::PROT_READ | libc::PROT_EXEC, flags, -1, 0)
            };
            verdict(checked(if mapped == libc::MAP_FAILED { -1 } else { 0 }))
        }
        "raise-limit" => {
            let limit = libc::rlimit { rlim_cur: 1024, rlim_max: 1024 };
            // SAFETY: reads `limit`.
            verdict(checked(i64::from(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })))
        }
        "allocate" => {
            let all = vec![1_u8; 8 << 30];
            std::hint::black_box(&all);
            b"reached".to_vec()
        }
        "spin" => spin(),
        "sleep" => loop {
            std::thread::sleep(std::time::Duration::from_secs(1000));
        },
        "segv" => {
            // SAFETY: none, that is the act.
            unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
            b"reached".to_vec()
        }
        "abort" => std::process::abort(),
        "panic" => panic!("as asked"),
        "exit" => std::process::exit(detail.parse().unwrap()),
        "too-long" => {
            raw(REPORT, &frame(u32::MAX, b""));
            for _ in 0..1000 {
                raw(REPORT, &[0; 65_536]);
            }
            Vec::new()
        }
        "torn" => {
            raw(REPORT, &frame(100, b"only this"));
            std::process::exit(0)
        }
        "empty" => std::process::exit(0),
        "twice" => {
            raw(REPORT, &frame(5, b"clean"));
            b"clean".to_vec()
        }
        "trailing" => {
            raw(REPORT, &frame(5, b"clean!"));
            std::process::exit(0)
        }
        "close-report" => {
            raw(REPORT, &frame(5, b"clean"));
            // SAFETY: the report's owner does not come to use it.
            unsafe { libc::close(REPORT) };
            spin()
        }
        "close-life" => {
            raw(REPORT, &frame(5, b"clean"));
            // SAFETY: nobody uses it.
            unsafe { libc::close(LIFE) };
            spin()
        }
        "fill-life" => {
            for _ in 0..10_000 {
                raw(LIFE, &[0xff; 4096]);
            }
            Vec::new()
        }
        "fill-scratch" => loop {
            task.scratch.write_all(&[0; 65_536]).unwrap();
        },
        "kill-group" => {
            // SAFETY: sends a signal.
            unsafe { libc::kill(0, libc::SIGKILL) };
            spin()
        }
        "kill-zygote" | "stop-zygote" => {
            let signal = if act == "kill-zygote" { libc::SIGKILL } else { libc::SIGSTOP };
            // SAFETY: sends a signal.
            if unsafe { libc::kill(libc::getppid(), signal) } == 0 {
                spin()
            }
            verdict::<()>(Err(io::Error::last_os_error()))
        }
        "descriptors" => {
            // SAFETY: asks whether a descriptor is open.
            let open = (0..4096).filter(|one| unsafe { libc::fcntl(*one, libc::F_GETFD) } != -1);
            format!("{:?}", open.collect::<Vec<i32>>()).into_bytes()
        }
        "environment" => format!("{:?}", std::env::vars_os().collect::<Vec<_>>()).into_bytes(),
        other => panic!("no act {other}"),
    }
}
