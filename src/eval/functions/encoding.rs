//! Functions between values and texts in other forms.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_ELEMENTS, Outcome, too_many_elements};
use super::charset::Charset;
use super::table::{Function, Parameter, Run};
use super::{csv, json, yaml_decode, yaml_encode};
use crate::model::Value;

/// Takes bits that are left over at the end for zeros.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "base64decode",
        about: "Reads Base64; the bytes must be UTF-8.",
        parameters: &[Parameter::string("str", "a text in Base64")],
        rest: None,
        run: Run::Plain(base64decode),
    },
    Function {
        name: "base64encode",
        about: "Writes a text in Base64.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(base64encode),
    },
    Function {
        name: "base64gzip",
        about: "Compresses a text with gzip and writes it in Base64.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Plain(base64gzip),
    },
    Function {
        name: "csvdecode",
        about: "Reads CSV into a list of objects, named by the first row.",
        parameters: &[Parameter::string("str", "a text in CSV")],
        rest: None,
        run: Run::Plain(csvdecode),
    },
    Function {
        name: "jsondecode",
        about: "Reads JSON.",
        parameters: &[Parameter::string("str", "a text in JSON")],
        rest: None,
        run: Run::Plain(jsondecode),
    },
    Function {
        name: "jsonencode",
        about: "Writes a value in JSON.",
        parameters: &[Parameter::any("val", "any value").nullable()],
        rest: None,
        run: Run::Plain(jsonencode),
    },
    Function {
        name: "textdecodebase64",
        about: "Reads Base64 of a text in another character encoding.",
        parameters: &[
            Parameter::string("source", "a text in Base64"),
            Parameter::string("encoding", "such as `UTF-16LE`"),
        ],
        rest: None,
        run: Run::Plain(textdecodebase64),
    },
    Function {
        name: "textencodebase64",
        about: "Writes a text in another character encoding, in Base64.",
        parameters: &[Parameter::string("string", "any text"), Parameter::string("encoding", "such as `UTF-16LE`")],
        rest: None,
        run: Run::Plain(textencodebase64),
    },
    Function {
        name: "urlencode",
        about: "Escapes a text for the query of a URL.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(urlencode),
    },
    Function {
        name: "yamldecode",
        about: "Reads YAML of one document.",
        parameters: &[Parameter::string("src", "a text in YAML")],
        rest: None,
        run: Run::Plain(yamldecode),
    },
    Function {
        name: "yamldecode_all",
        about: "Reads all documents of a YAML text into a list; empty ones are left out.",
        parameters: &[Parameter::string("src", "a text in YAML")],
        rest: None,
        run: Run::Plain(yamldecode_all),
    },
    Function {
        name: "yamlencode",
        about: "Writes a value in YAML.",
        parameters: &[Parameter::any("value", "any value").nullable()],
        rest: None,
        run: Run::Plain(yamlencode),
    },
];

fn base64decode(arguments: &Arguments) -> Outcome {
    let bytes = from_base64(arguments)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| FunctionError::at(0, "the result of decoding the provided string is not valid UTF-8"))?;
    Ok(Value::string(text))
}

/// Reads the first argument; line ends do not count.
fn from_base64(arguments: &Arguments) -> Result<Vec<u8>, FunctionError> {
    let text = arguments.string(0);
    LENIENT.decode(text.replace(['\r', '\n'], "")).map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        FunctionError::at(0, format!("failed to decode base64 data \"{shown}\""))
    })
}

fn base64encode(arguments: &Arguments) -> Value {
    Value::string(STANDARD.encode(arguments.string(0)))
}

/// The deflate stream is flushed, then closed by an empty block, as Go's writer leaves it; no name, no time.
fn base64gzip(arguments: &Arguments) -> Outcome {
    let text = arguments.string(0).as_bytes();
    let mut bytes = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    if text.is_empty() {
        bytes.extend([0, 0, 0, 0xFF, 0xFF]);
    } else {
        deflate(text, &mut bytes).map_err(|_| FunctionError::at(0, "the text cannot be compressed"))?;
    }
    bytes.extend([1, 0, 0, 0xFF, 0xFF]);
    let mut checksum = Crc::new();
    checksum.update(text);
    bytes.extend(checksum.sum().to_le_bytes());
    bytes.extend(checksum.amount().to_le_bytes());
    Ok(Value::string(STANDARD.encode(bytes)))
}

fn deflate(text: &[u8], bytes: &mut Vec<u8>) -> Result<(), flate2::CompressError> {
    let mut compress = Compress::new(Compression::default(), false);
    loop {
        let done = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        bytes.reserve(64 * 1024);
        let room = bytes.capacity();
        compress.compress_vec(&text[done..], bytes, FlushCompress::Sync)?;
        // A flush is over when there was room to spare.
        if compress.total_in() == text.len() as u64 && bytes.len() < room {
            return Ok(());
        }
    }
}

fn csvdecode(arguments: &Arguments) -> Outcome {
    let mut rows = csv::rows(arguments.string(0))?.into_iter();
    let names: Vec<Arc<str>> =
        rows.next().ok_or_else(|| FunctionError::at(0, "missing header line"))?.into_iter().map(Arc::from).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(FunctionError::at(0, format!("duplicate column name \"{twice}\"")));
    }
    if rows.len().saturating_mul(names.len()) > MAX_ELEMENTS {
        return Err(too_many_elements());
    }
    let objects = rows.map(|row| {
        let entries: BTreeMap<_, _> = names.iter().cloned().zip(row.into_iter().map(Value::string)).collect();
        Value::Map(Arc::new(entries))
    });
    Ok(Value::list(objects.collect()))
}

fn jsondecode(arguments: &Arguments) -> Outcome {
    json::decode(arguments.string(0))
}

fn jsonencode(arguments: &Arguments) -> Outcome {
    json::encode(arguments.value(0)).map(Value::string)
}

fn textdecodebase64(arguments: &Arguments) -> Outcome {
    let (charset, name) = (charset(arguments)?, arguments.string(1));
    let text = charset.decode(&from_base64(arguments)?).ok_or_else(|| {
        FunctionError::at(0, format!("the given string contains symbols that are not defined for {name}"))
    })?;
    Ok(Value::string(text))
}

fn textencodebase64(arguments: &Arguments) -> Outcome {
    let (charset, name) = (charset(arguments)?, arguments.string(1));
    let bytes = charset.encode(arguments.string(0)).ok_or_else(|| {
        FunctionError::at(0, format!("the given string contains characters that cannot be represented in {name}"))
    })?;
    Ok(Value::string(STANDARD.encode(bytes)))
}

fn charset(arguments: &Arguments) -> Result<Charset, FunctionError> {
    let name = arguments.string(1);
    Charset::find(name)
        .ok_or_else(|| FunctionError::at(1, format!("\"{name}\" is not a supported IANA encoding name or alias")))
}

fn urlencode(arguments: &Arguments) -> Value {
    let mut text = String::new();
    for byte in arguments.string(0).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            b' ' => text.push('+'),
            _ => write!(text, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    Value::string(text)
}

fn yamldecode(arguments: &Arguments) -> Outcome {
    yaml_decode::decode(arguments.string(0))
}

fn yamldecode_all(arguments: &Arguments) -> Outcome {
    let documents = yaml_decode::decode_all(arguments.string(0))?;
    Ok(Value::list(documents.into_iter().filter(|document| *document != Value::Null).collect()))
}

fn yamlencode(arguments: &Arguments) -> Outcome {
    yaml_encode::encode(arguments.value(0)).map(Value::string)
}
