//! The colours of the terminal, and whether there are any.

use anstyle::{AnsiColor, Style};

use crate::outcome::Verdict;

/// The colours of the terminal report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Styles {
    colored: bool,
}

impl Styles {
    /// No colours.
    #[must_use]
    pub fn plain() -> Self {
        Self { colored: false }
    }

    /// Colours.
    #[must_use]
    pub fn colored() -> Self {
        Self { colored: true }
    }

    /// What the environment asks for: `NO_COLOR` takes colours away, `CLICOLOR_FORCE` gives them even to a file; otherwise a
    /// terminal that is not `dumb` has them, outside of CI.
    #[must_use]
    pub fn of(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let colored = set("NO_COLOR").is_none() && (forced || (terminal && !dumb && set("CI").is_none()));
        Self { colored }
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colored {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// In the colour of a verdict.
    pub(super) fn verdict(self, verdict: Verdict, text: &str) -> String {
        let color = match verdict {
            Verdict::Failed => AnsiColor::Red,
            Verdict::Unclear => AnsiColor::Yellow,
            Verdict::Skipped => AnsiColor::Cyan,
            Verdict::Passed => AnsiColor::Green,
        };
        let bold = matches!(verdict, Verdict::Failed | Verdict::Unclear);
        let style = color.on_default();
        self.paint(if bold { style.bold() } else { style }, text)
    }

    /// A warning, or what passed at a later attempt.
    pub(super) fn warning(self, text: &str) -> String {
        self.paint(AnsiColor::Magenta.on_default(), text)
    }

    /// What the eye may pass over.
    pub(super) fn aside(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colored(terminal: bool, set: &[(&str, &str)]) -> bool {
        let variable = |name: &str| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Styles::of(terminal, variable).colored
    }

    #[test]
    fn the_environment_decides() {
        assert!(colored(true, &[]));
        assert!(!colored(false, &[]));
        assert!(!colored(true, &[("NO_COLOR", "1")]));
        assert!(colored(true, &[("NO_COLOR", "")]));
        assert!(!colored(true, &[("TERM", "dumb")]));
        assert!(!colored(true, &[("CI", "true")]));
        assert!(colored(false, &[("CLICOLOR_FORCE", "1"), ("CI", "true")]));
        assert!(!colored(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!colored(true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    }
}
