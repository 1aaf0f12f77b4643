//! Calculations and formats of form fields: calls of functions that viewers have built in ("Forms System" of the
//! JavaScript for Acrobat API Reference: AForm.js), with values for arguments. Programs write them when somebody chooses
//! "number" for a field; nothing in them is a program.

const FUNCTIONS: [&str; 17] = [
    "AFDate_Format",
    "AFDate_FormatEx",
    "AFDate_Keystroke",
    "AFDate_KeystrokeEx",
    "AFNumber_Format",
    "AFNumber_Keystroke",
    "AFPercent_Format",
    "AFPercent_Keystroke",
    "AFRange_Validate",
    "AFSimple_Calculate",
    "AFSpecial_Format",
    "AFSpecial_Keystroke",
    "AFSpecial_KeystrokeEx",
    "AFTime_Format",
    "AFTime_FormatEx",
    "AFTime_Keystroke",
    "AFTime_KeystrokeEx",
];

/// Whether a script is nothing but such calls.
pub(super) fn is_calculation(script: &str) -> bool {
    let mut rest = script.trim_matches(['\0', ' ', '\t', '\r', '\n', ';', '\u{feff}']);
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let Some(behind) = call(rest) else { return false };
        rest = behind.trim_start_matches([' ', '\t', '\r', '\n', ';']);
    }
    true
}

/// What follows a call.
fn call(text: &str) -> Option<&str> {
    let length = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
    let (name, rest) = text.split_at(length);
    if !FUNCTIONS.contains(&name) {
        return None;
    }
    list(rest.trim_start().strip_prefix('(')?, ')')
}

/// What follows values between commas and this bracket. Lists are not nested deeper than one in arguments.
fn list(mut text: &str, end: char) -> Option<&str> {
    text = text.trim_start();
    if let Some(rest) = text.strip_prefix(end) {
        return Some(rest);
    }
    loop {
        text = value(text, end == ')')?.trim_start();
        match text.strip_prefix(',') {
            Some(rest) => text = rest.trim_start(),
            None => return text.strip_prefix(end),
        }
    }
}

/// What follows a number, a string, a truth, or a list of these.
fn value(text: &str, may_be_list: bool) -> Option<&str> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return behind_string(&text[1..], quote);
    }
    if may_be_list && let Some(rest) = text.strip_prefix("new Array") {
        let rest = rest.trim_start().strip_prefix('(')?;
        return list_of_values(rest, ')');
    }
    if may_be_list && let Some(rest) = text.strip_prefix('[') {
        return list_of_values(rest, ']');
    }
    let length = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !".+-".contains(letter))?;
    let (word, rest) = text.split_at(length);
    let is_value = matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok();
    is_value.then_some(rest)
}

fn list_of_values(mut text: &str, end: char) -> Option<&str> {
    text = text.trim_start();
    while !text.starts_with(end) {
        text = value(text, false)?.trim_start();
        text = text.strip_prefix(',').map_or(text, str::trim_start);
    }
    text.strip_prefix(end)
}

fn behind_string(text: &str, quote: char) -> Option<&str> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '\n' | '\r' => return None,
            letter if letter == quote => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_vocabulary_with_values_are_no_scripts() {
        for script in [
            "AFNumber_Format(2,0,0,0,\"\",true);",
            "AFNumber_Keystroke(2, 0, 0, 0, \"\\u20ac \", false);\r\n",
            "AFSimple_Calculate(\"SUM\", new Array (\"a.b\", \"c\"));",
            "AFSimple_Calculate('PRD', [\"a\", \"b\"])",
            "AFDate_FormatEx(\"dd.mm.yyyy\")",
            "AFRange_Validate(true, 1, true, 10.5); AFSpecial_Format(0);",
            "AFRange_Validate(false, -1e3, false, 0)\0",
        ] {
            assert!(is_calculation(script), "{script}");
        }
        for script in [
            "",
            " ; ",
            "app.alert(1)",
            "AFNumber_Format",
            "AFNumber_Format(",
            "AFNumber_Format(2",
            "AFNumber_Format(2,0",
            "AFNumber_Format(app.alert(1))",
            "AFNumber_Format(2);app.alert(1)",
            "AFNumber_Format(\"\"+this.x)",
            "AFNumber_Format(\"a\"b\")",
            "AFNumber_Format(\"\n\")",
            "AFSimple_Calculate(\"SUM\", new Array(f()))",
            "AFSimple_Calculate(\"SUM\", [[1]])",
            "AFSimple_Calculates(1)",
            "AFNumber_Format(2)/*",
            "AFNumber_Format=eval",
        ] {
            assert!(!is_calculation(script), "{script}");
        }
    }
}
