//! What somebody else does behind rayform's back, and who is named for it.
use crate::Story;

pub(crate) const STORIES: &[Story] = &[];
