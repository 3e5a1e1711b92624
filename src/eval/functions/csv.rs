//! CSV text into rows, as RFC 4180 has it.
use super::call::FunctionError;

/// Reads all rows; empty lines are none. All rows must be as long as the first.
pub(super) fn rows(text: &str) -> Result<Vec<Vec<String>>, FunctionError> {
    let text = text.replace("\r\n", "\n");
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let (mut rows, mut rest, mut line) = (Vec::<Vec<String>>::new(), text, 1);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
            line += 1;
            continue;
        }
        let (row, after) = row(rest, line)?;
        if rows.first().is_some_and(|first| first.len() != row.len()) {
            return Err(error(line, "wrong number of fields"));
        }
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
        rows.push(row);
    }
    Ok(rows)
}

/// Reads one row and returns what is behind its end of line.
fn row(text: &str, line: usize) -> Result<(Vec<String>, &str), FunctionError> {
    let (mut fields, mut rest) = (Vec::new(), text);
    loop {
        let (field, after) = if let Some(inner) = rest.strip_prefix('"') {
            quoted(inner, line)?
        } else {
            let (field, after) = rest.split_at(rest.find([',', '\n']).unwrap_or(rest.len()));
            if field.contains('"') {
                return Err(error(line, "bare \" in non-quoted-field"));
            }
            (field.to_owned(), after)
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((fields, after.strip_prefix('\n').unwrap_or(after))),
        }
    }
}

/// Reads a field behind its opening quote; two quotes inside stand for one.
fn quoted(text: &str, line: usize) -> Result<(String, &str), FunctionError> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('"').ok_or_else(|| error(line, "extraneous or missing \" in quoted-field"))?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if rest.is_empty() || rest.starts_with([',', '\n']) => return Ok((field, rest)),
            None => return Err(error(line, "extraneous or missing \" in quoted-field")),
        }
    }
}

fn error(line: usize, what: &str) -> FunctionError {
    FunctionError::at(0, format!("CSV parse error on line {line}: {what}"))
}
