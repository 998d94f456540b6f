//! What both the page of an invoice and its PDF say.

pub struct Sheet {
    pub title: String,
    pub number: String,
    pub issued: String,
    pub to: Vec<String>,
    pub lines: Vec<Line>,
    /// Label and amount, the last one being what was or is to be paid.
    pub sums: Vec<(String, String)>,
    pub receipt: Option<String>,
}

pub struct Line {
    pub what: String,
    pub period: String,
    pub amount: String,
}
