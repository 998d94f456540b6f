//! What every page keeps to, found in its text.
/// What is wrong with a page, a line each.
pub fn faults(html: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |wrong: bool, text: String| {
        if wrong {
            faults.push(text);
        }
    };
    let ids = values(html, " id=\"");
    for (n, id) in ids.iter().enumerate() {
        fault(ids[..n].contains(id), format!("#{id} stands there twice"));
    }
    for attribute in [" for=\"", " aria-describedby=\"", " aria-labelledby=\"", " aria-controls=\""] {
        for id in values(html, attribute).iter().flat_map(|value| value.split(' ')) {
            fault(!ids.contains(&id), format!("{attribute} names #{id}, which is not there"));
        }
    }
    fault(html.matches("<h1").count() != 1, "a page has one h1".into());
    fault(html.contains(" style=\"") || html.contains("<style"), "inline style".into());
    fault(html.contains("<script>"), "inline script".into());
    for event in ["click", "load", "submit", "change", "error", "input"] {
        fault(html.contains(&format!(" on{event}=")), format!("inline on{event}"));
    }
    fault(html.contains("/static/missing"), "an asset is missing".into());
    for address in
        values(html, " href=\"").into_iter().chain(values(html, " src=\"")).chain(values(html, " action=\""))
    {
        let ours = address.starts_with('/') || address.starts_with('#');
        fault(!ours, format!("{address} leads elsewhere"));
    }
    faults
}

fn values<'h>(html: &'h str, attribute: &str) -> Vec<&'h str> {
    html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}
