//! Character encodings by their IANA names: <https://www.iana.org/assignments/character-sets>.
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R,
    KOI8_U, MACINTOSH, SHIFT_JIS, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
    WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// A character encoding.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    Ascii,
    Latin1,
    Utf8,
    /// Two bytes for each unit; a byte-order mark may say which comes first, and is written.
    Utf16,
    Utf16BigEndian,
    Utf16LittleEndian,
    Table(&'static Encoding),
}

impl Charset {
    /// Returns the encoding with this name; case does not matter.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "US-ASCII" | "US" | "ANSI_X3.4-1968" | "ISO646-US" | "CSASCII" => Self::Ascii,
            "ISO-8859-1" | "ISO_8859-1" | "ISO_8859-1:1987" | "LATIN1" | "L1" | "CSISOLATIN1" => Self::Latin1,
            "UTF-8" | "CSUTF8" => Self::Utf8,
            "UTF-16" | "CSUTF16" => Self::Utf16,
            "UTF-16BE" | "CSUTF16BE" => Self::Utf16BigEndian,
            "UTF-16LE" | "CSUTF16LE" => Self::Utf16LittleEndian,
            other => Self::Table(table(other)?),
        })
    }

    /// Returns the text in this encoding; none where a character has no place in it.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii if text.is_ascii() => Some(text.as_bytes().to_vec()),
            Self::Ascii => None,
            Self::Latin1 => text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect(),
            Self::Utf16 => Some([0xFE, 0xFF].into_iter().chain(units(text, u16::to_be_bytes)).collect()),
            Self::Utf16BigEndian => Some(units(text, u16::to_be_bytes).collect()),
            Self::Utf16LittleEndian => Some(units(text, u16::to_le_bytes).collect()),
            Self::Table(encoding) => {
                let (bytes, _, has_gaps) = encoding.encode(text);
                if has_gaps { None } else { Some(bytes.into_owned()) }
            }
        }
    }

    /// Returns the text that the bytes stand for; none where they stand for none.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Ascii if bytes.is_ascii() => String::from_utf8(bytes.to_vec()).ok(),
            Self::Ascii => None,
            Self::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
            Self::Utf16 => match bytes {
                [0xFF, 0xFE, rest @ ..] => text(rest, u16::from_le_bytes),
                [0xFE, 0xFF, rest @ ..] => text(rest, u16::from_be_bytes),
                _ => text(bytes, u16::from_be_bytes),
            },
            Self::Utf16BigEndian => text(bytes, u16::from_be_bytes),
            Self::Utf16LittleEndian => text(bytes, u16::from_le_bytes),
            Self::Table(encoding) => {
                let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?.into_owned();
                // The tables map bytes that stand for nothing to control characters.
                let has_gaps = text.contains(|character| ('\u{80}'..='\u{9F}').contains(&character));
                if has_gaps { None } else { Some(text) }
            }
        }
    }
}

fn units(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> impl Iterator<Item = u8> {
    text.encode_utf16().flat_map(to_bytes)
}

fn text(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().copied().map(from_bytes).collect();
    if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
}

fn table(name: &str) -> Option<&'static Encoding> {
    Some(match name {
        "ISO-8859-2" | "ISO_8859-2" | "LATIN2" | "L2" => ISO_8859_2,
        "ISO-8859-3" | "ISO_8859-3" | "LATIN3" | "L3" => ISO_8859_3,
        "ISO-8859-4" | "ISO_8859-4" | "LATIN4" | "L4" => ISO_8859_4,
        "ISO-8859-5" | "ISO_8859-5" | "CYRILLIC" => ISO_8859_5,
        "ISO-8859-6" | "ISO_8859-6" | "ARABIC" => ISO_8859_6,
        "ISO-8859-7" | "ISO_8859-7" | "GREEK" => ISO_8859_7,
        "ISO-8859-8" | "ISO_8859-8" | "HEBREW" => ISO_8859_8,
        "ISO-8859-9" | "ISO_8859-9" | "LATIN5" | "L5" | "WINDOWS-1254" => WINDOWS_1254,
        "ISO-8859-10" | "LATIN6" | "L6" => ISO_8859_10,
        "ISO-8859-13" => ISO_8859_13,
        "ISO-8859-14" | "LATIN8" | "L8" => ISO_8859_14,
        "ISO-8859-15" | "ISO_8859-15" | "LATIN-9" => ISO_8859_15,
        "ISO-8859-16" | "ISO_8859-16" | "LATIN10" | "L10" => ISO_8859_16,
        "WINDOWS-874" => WINDOWS_874,
        "WINDOWS-1250" => WINDOWS_1250,
        "WINDOWS-1251" => WINDOWS_1251,
        "WINDOWS-1252" => WINDOWS_1252,
        "WINDOWS-1253" => WINDOWS_1253,
        "WINDOWS-1255" => WINDOWS_1255,
        "WINDOWS-1256" => WINDOWS_1256,
        "WINDOWS-1257" => WINDOWS_1257,
        "WINDOWS-1258" => WINDOWS_1258,
        "IBM866" | "CP866" | "866" => IBM866,
        "KOI8-R" => KOI8_R,
        "KOI8-U" => KOI8_U,
        "MACINTOSH" | "MAC" => MACINTOSH,
        "SHIFT_JIS" | "MS_KANJI" => SHIFT_JIS,
        "EUC-JP" => EUC_JP,
        "ISO-2022-JP" => ISO_2022_JP,
        "EUC-KR" => EUC_KR,
        "GBK" | "CP936" | "MS936" | "WINDOWS-936" => GBK,
        "GB18030" => GB18030,
        "BIG5" => BIG5,
        _ => return None,
    })
}
