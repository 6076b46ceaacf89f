//! The formats that can be imported, and how to tell one from another.

use clap::ValueEnum;

/// A format of another supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// supervisord.conf.
    Supervisord,
    /// Procfile of foreman, honcho and the like.
    Procfile,
    /// circus.ini.
    Circus,
    /// Ecosystem file of pm2: JSON, or JavaScript without code.
    Pm2,
}

/// The beginnings of lines that only one format has.
const SECTIONS: &[(&str, ImportFormat)] = &[
    ("[circus]", ImportFormat::Circus),
    ("[watcher:", ImportFormat::Circus),
    ("[program:", ImportFormat::Supervisord),
    ("[fcgi-program:", ImportFormat::Supervisord),
    ("[eventlistener:", ImportFormat::Supervisord),
    ("[supervisord]", ImportFormat::Supervisord),
    ("[supervisorctl]", ImportFormat::Supervisord),
    ("[unix_http_server]", ImportFormat::Supervisord),
    ("[inet_http_server]", ImportFormat::Supervisord),
    ("[include]", ImportFormat::Supervisord),
    ("module.exports", ImportFormat::Pm2),
    ("export default", ImportFormat::Pm2),
    ("exports.default", ImportFormat::Pm2),
];

impl ImportFormat {
    /// Returns the format of a text, if it is one of these.
    pub(super) fn of(text: &str) -> Option<ImportFormat> {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        let section =
            |line: &str| SECTIONS.iter().find(|(start, _)| line.starts_with(start)).map(|(_, format)| *format);
        if let Some(format) = lines().find_map(section) {
            return Some(format);
        }
        let plain = |line: &&str| !line.starts_with('#');
        let is_command = |line: &str| {
            let name = |name: &str| name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
            line.split_once(':').is_some_and(|(start, rest)| !start.is_empty() && name(start) && !rest.is_empty())
        };
        match lines().find(plain)? {
            first if first.starts_with(['{', '[']) => Some(ImportFormat::Pm2),
            _ if lines().filter(plain).all(is_command) => Some(ImportFormat::Procfile),
            first
                if ["//", "/*", "const ", "let ", "var ", "require", "import "]
                    .iter()
                    .any(|start| first.starts_with(start)) =>
            {
                Some(ImportFormat::Pm2)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart_by_their_content() {
        for (text, expected) in [
            ("; x\n[supervisord]\n", Some(ImportFormat::Supervisord)),
            ("[group:a]\nprograms=b\n[program:b]\n", Some(ImportFormat::Supervisord)),
            ("[env]\nA=b\n[watcher:x]\n", Some(ImportFormat::Circus)),
            ("# x\nweb: bundle exec rails s\nworker: a: b\n", Some(ImportFormat::Procfile)),
            ("{\"apps\": []}", Some(ImportFormat::Pm2)),
            ("[{\"script\": \"x\"}]", Some(ImportFormat::Pm2)),
            ("// x\nmodule.exports = {}", Some(ImportFormat::Pm2)),
            ("const x = 1", Some(ImportFormat::Pm2)),
            ("", None),
            ("a b c\n", None),
        ] {
            assert_eq!(ImportFormat::of(text), expected, "{text}");
        }
    }
}
