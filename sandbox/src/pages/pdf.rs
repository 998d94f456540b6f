//! A PDF of one page, written by hand: enough for an invoice, and no more.
use super::sheet::Sheet;
use std::fmt::Write;

const LEFT: f64 = 56.0;
const RIGHT: f64 = 539.0;
/// More would run off the page.
const MOST_LINES: usize = 26;

pub fn of(sheet: &Sheet) -> Vec<u8> {
    let mut page = String::new();
    write(&mut page, LEFT, 780.0, 20.0, true, &sheet.title);
    write(&mut page, LEFT, 758.0, 10.0, false, &format!("{} · {}", sheet.number, sheet.issued));
    write(&mut page, LEFT, 742.0, 10.0, false, "Sandbox: no real money moves");
    for (n, line) in sheet.to.iter().enumerate() {
        write(&mut page, LEFT, 706.0 - 14.0 * n as f64, 10.0, n == 0, line);
    }
    let mut y = 650.0;
    rule(&mut page, y + 18.0);
    for line in sheet.lines.iter().take(MOST_LINES) {
        write(&mut page, LEFT, y, 10.0, false, &line.what);
        right(&mut page, y, 10.0, &line.amount);
        write(&mut page, LEFT, y - 12.0, 8.0, false, &line.period);
        y -= 20.0;
    }
    rule(&mut page, y + 2.0);
    for (label, amount) in &sheet.sums {
        y -= 18.0;
        write(&mut page, 360.0, y, 10.0, false, label);
        right(&mut page, y, 10.0, amount);
    }
    if let Some(receipt) = &sheet.receipt {
        write(&mut page, LEFT, y - 36.0, 10.0, false, &format!("Paid with {receipt}"));
    }
    file(&page)
}

fn write(page: &mut String, x: f64, y: f64, size: f64, bold: bool, text: &str) {
    let font = if bold { "B" } else { "R" };
    let _ = writeln!(page, "BT /{font} {size} Tf {x:.1} {y:.1} Td ({}) Tj ET", quoted(text));
}

/// Figures of Helvetica are 556 thousandths wide, points and commas half of that.
fn right(page: &mut String, y: f64, size: f64, text: &str) {
    let width: f64 = text.chars().map(|c| if matches!(c, '.' | ',' | ' ') { 0.278 } else { 0.556 }).sum();
    write(page, RIGHT - width * size, y, size, false, text);
}

fn rule(page: &mut String, y: f64) {
    let _ = writeln!(page, "0.8 G {LEFT:.1} {y:.1} m {RIGHT:.1} {y:.1} l S");
}

/// Text in the encoding the fonts know (WinAnsi), octal where it is not plain ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars().take(110) {
        let byte = match c {
            '€' => 0x80,
            '–' => 0x96,
            '—' => 0x97,
            '•' => 0x95,
            '’' => 0x92,
            c if (c as u32) < 0x100 && !c.is_control() => c as u32,
            _ => '?' as u32,
        };
        let _ = write!(quoted, "\\{byte:03o}");
    }
    quoted
}

fn file(page: &str) -> Vec<u8> {
    let font = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /R 5 0 R /B 6 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len() + 1),
        font("Helvetica"),
        font("Helvetica-Bold"),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (n, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", n + 1);
    }
    let (start, size) = (file.len(), objects.len() + 1);
    let _ = write!(
        file,
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}
