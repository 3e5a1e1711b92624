//! Colours, width, and what else a reader's screen decides.
use anstyle::{AnsiColor, Style};

/// How text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Whether ANSI colours are written.
    pub colour: bool,
    /// In columns.
    pub width: usize,
}

/// What a piece of text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Add,
    Change,
    Remove,
    Read,
    Strong,
    Faint,
}

impl View {
    /// Returns a view without colours, 100 columns wide.
    pub(crate) fn plain() -> Self {
        Self { colour: false, width: 100 }
    }

    /// Returns the text in the colour of what it stands for.
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let style = match paint {
            Paint::Add => colour(AnsiColor::Green),
            Paint::Change => colour(AnsiColor::Yellow),
            Paint::Remove => colour(AnsiColor::Red),
            Paint::Read => colour(AnsiColor::Cyan),
            Paint::Strong => Style::new().bold(),
            Paint::Faint => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}
