//! The two files that the demo brings along: one that is clean, and one that every scanner finds.

use crate::client::{ClientError, source::Source};

/// A PDF of one page, made here.
pub(super) fn clean() -> Result<Source, ClientError> {
    Source::memory("clean.pdf", pdf("Quarantine, finalize, scan, publish."))
}

/// The EICAR anti-malware test file (<https://www.eicar.org/download-anti-malware-testfile/>): 68
/// harmless characters that scanners agree to find.
pub(super) fn eicar() -> Result<Source, ClientError> {
    // One half stands here backwards, or scanners would find this executable.
    let first = r"X5O!P%@AP[4\PZX54(P^)7CC)7}";
    let second = "*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$".chars().rev();
    Source::memory("eicar.txt", first.chars().chain(second).collect::<String>().into_bytes())
}

/// A PDF (ISO 32000-1) that shows a line of text without parentheses and backslashes.
fn pdf(text: &str) -> Vec<u8> {
    let page = format!("BT /F1 24 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (size, start) = (objects.len() + 1, pdf.len());
    pdf += &format!("xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n");
    pdf += &format!("startxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eicar_is_the_test_file_and_this_executable_does_not_hold_it() -> anyhow::Result<()> {
        let source = eicar()?;
        // As EICAR and every scanner vendor publish it.
        let known = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";
        assert_eq!((source.size, source.sha256.as_str()), (68, known));
        let executable = std::fs::read(std::env::current_exe()?)?;
        let marker: Vec<u8> = b"ELIF-TSET-SURIVITNA-DRADNATS-RACIE".iter().rev().copied().collect();
        assert!(!executable.windows(marker.len()).any(|bytes| bytes == marker));
        Ok(())
    }

    #[test]
    fn the_cross_references_of_the_pdf_lead_to_its_objects() {
        let bytes = pdf("Hello");
        let text = String::from_utf8_lossy(&bytes);
        let start = text.rsplit("startxref\n").next().and_then(|rest| rest.lines().next()?.parse().ok());
        let table = start.and_then(|start: usize| text.get(start..)).unwrap_or_default();
        assert!(table.starts_with("xref\n0 6\n"), "{text}");
        for (number, line) in table.lines().skip(2).take(6).enumerate().skip(1) {
            let offset: usize = line[..10].parse().unwrap_or_default();
            assert!(text[offset..].starts_with(&format!("{number} 0 obj\n")), "{number}: {offset}");
        }
    }
}
