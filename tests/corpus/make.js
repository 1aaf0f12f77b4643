// The files that libraries of Node make; called by `make` in a folder with its sources.
const fs = require("fs");
const zlib = require("zlib");
const ROWS = [["id", "name"], [1, "Ada, née Byron"], [2, 'says "hi"']];

async function each(name, make) {
  try {
    const content = await make();
    if (content) fs.writeFileSync(name, Buffer.from(content));
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}

const collected = (stream) =>
  new Promise((resolve, reject) => {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => resolve(Buffer.concat(parts)));
    stream.on("error", reject);
  });

async function main() {
  await each("docx-npm.docx", () => {
    const docx = require("docx");
    const children = [new docx.Paragraph("Report"), new docx.Paragraph("価格")];
    return docx.Packer.toBuffer(new docx.Document({ sections: [{ children }] }));
  });
  await each("exceljs.xlsx", () => {
    const book = new (require("exceljs").Workbook)();
    book.addWorksheet("a").addRows(ROWS);
    return book.xlsx.writeBuffer();
  });
  const xlsx = require("xlsx");
  const book = xlsx.utils.book_new();
  xlsx.utils.book_append_sheet(book, xlsx.utils.aoa_to_sheet(ROWS), "a");
  await each("sheetjs.xlsx", () => xlsx.write(book, { type: "buffer", bookType: "xlsx", compression: true }));
  await each("sheetjs.ods", () => xlsx.write(book, { type: "buffer", bookType: "ods" }));
  await each("pptxgenjs.pptx", () => {
    const deck = new (require("pptxgenjs"))();
    deck.addSlide().addText("Report", { x: 1, y: 1 });
    return deck.write({ outputType: "nodebuffer" });
  });
  await each("pdfkit.pdf", () => {
    const document = new (require("pdfkit"))();
    document.text("Report").end();
    return collected(document);
  });
  await each("pdf-lib.pdf", async () => {
    const document = await require("pdf-lib").PDFDocument.create();
    document.addPage([200, 200]).drawText("Report");
    return document.save();
  });
  await each("jspdf.pdf", () => {
    const document = new (require("jspdf").jsPDF)();
    document.text("Report", 10, 10);
    return document.output("arraybuffer");
  });
  await each("archiver.zip", () => {
    const archiver = require("archiver");
    const archive = archiver.ZipArchive ? new archiver.ZipArchive() : archiver("zip");
    archive.append(fs.createReadStream("in.txt"), { name: "in.txt" });
    archive.append("", { name: "empty" });
    archive.finalize();
    return collected(archive);
  });
  await each("jszip.zip", () => {
    const zip = new (require("jszip"))();
    zip.file("a.txt", "Größe").folder("sub").file("b.txt", "x");
    return zip.generateAsync({ type: "nodebuffer", streamFiles: true, compression: "DEFLATE" });
  });
  await each("fflate.zip", () => require("fflate").zipSync({ "a.txt": Buffer.from("x"), sub: { b: Buffer.from("y") } }));
  const sharp = require("sharp");
  for (const format of ["png", "jpeg", "webp", "avif", "gif"]) {
    await each(`sharp.${format === "jpeg" ? "jpg" : format}`, () => sharp("in.png").toFormat(format).toBuffer());
  }
  await each("tar-stream.tar", () => {
    const pack = require("tar-stream").pack();
    pack.entry({ name: "x/".repeat(70) + "a.txt" }, "Größe");
    pack.entry({ name: "b.txt" }, "b");
    pack.finalize();
    return collected(pack);
  });
  await each("node-zlib.gz", () => zlib.gzipSync(fs.readFileSync("in.txt")));
  await each("papaparse.csv", () => require("papaparse").unparse(ROWS));
  await each("webm-muxer.webm", () => {
    const { Muxer, ArrayBufferTarget } = require("webm-muxer");
    const muxer = new Muxer({ target: new ArrayBufferTarget(), video: { codec: "V_VP8", width: 8, height: 8 }, firstTimestampBehavior: "offset" });
    for (let frame = 0; frame < 3; frame++) {
      muxer.addVideoChunkRaw(new Uint8Array(40), frame ? "delta" : "key", frame * 40000);
    }
    muxer.finalize();
    return muxer.target.buffer;
  });
}

main();
