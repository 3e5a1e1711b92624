//! A mistake of the user: what is wrong, where, and what would help.
use std::fmt;

use super::DesiredObject;

/// Numbers one source file; the text stands in `config::Sources`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(pub u32);

/// A stretch of one source file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// How much a diagnostic weighs. Errors stop the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Error,
    Warning,
    Info,
}

/// One finding, ready to be shown with its source line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a diagnostic that is not shown helps nobody"]
pub(crate) struct Diagnostic {
    pub severity: Severity,
    /// The code of a check, such as `RF101`.
    pub code: Option<&'static str>,
    pub message: String,
    /// Where it is; what to write beside the underlined text.
    pub at: Option<(Span, String)>,
    /// Other places that matter, such as the steps of a cycle.
    pub related: Vec<(Span, String)>,
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Returns an error; say where with [`Diagnostic::at`].
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// Returns a warning.
    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    /// Returns a remark.
    pub(crate) fn info(message: impl Into<String>) -> Self {
        Self::new(Severity::Info, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self { severity, code: None, message, at: None, related: Vec::new(), hint: None }
    }

    /// Says where it is.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.at = Some((span, String::new()));
        self
    }

    /// Says where it is, with a few words beside the underlined text.
    pub(crate) fn labelled(mut self, span: Span, label: impl Into<String>) -> Self {
        self.at = Some((span, label.into()));
        self
    }

    /// Says which object it is about.
    pub(crate) fn about(self, desired: &DesiredObject) -> Self {
        self.labelled(desired.span, desired.place.clone())
    }

    /// Adds another place that matters.
    pub(crate) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Adds the one sentence that helps.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Gives the code of the check that speaks.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Tells whether this stops the plan.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
