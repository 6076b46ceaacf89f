//! The status page: one document without assets, joined when the crate is built.

/// The status page of a monitor, for the endpoint to serve at `/`.
///
/// There is nothing secret in it: what it shows, it asks the monitor for, with the token that a person types in (none
/// where the monitor wants none, as on a Unix socket behind a proxy). It has one `<style>` and one `<script>`, no
/// inline handlers and no `style` attributes, loads nothing but `data:` icons, and never makes markup of text, which it
/// forbids itself (`trusted-types 'none'`, in a `<meta>`).
pub(crate) const PAGE: &str = concat!(
    include_str!("head.html"),
    "<style>\n",
    include_str!("page.css"),
    include_str!("narrow.css"),
    "</style>\n",
    include_str!("body.html"),
    "<script type=\"module\">\n",
    include_str!("text.js"),
    include_str!("wire.js"),
    include_str!("share.js"),
    include_str!("bots.js"),
    include_str!("rows.js"),
    include_str!("ansi.js"),
    include_str!("log.js"),
    include_str!("details.js"),
    include_str!("panel.js"),
    include_str!("commands.js"),
    include_str!("bulk.js"),
    include_str!("keys.js"),
    include_str!("login.js"),
    include_str!("main.js"),
    "</script>\n</body>\n</html>\n",
);

/// The page's Content-Security-Policy: the strictest policy that it works under. The hashes are those of the texts between the tags of
/// `<script>` and `<style>`; the test prints the new ones after a change.
pub(crate) const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-S3yJEruI10dkmkgfY7G9xQ2HUgSHvaQCg/jbwCdScK0='; \
    style-src 'sha256-PbtbOIa4KbNImo7oJF+8q3BzT3WH3GlJYFLZ82XsT4A='; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use super::{PAGE, POLICY};
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_allows_this_script_and_this_style_alone() {
        for tag in ["script", "style"] {
            let (_, rest) = PAGE.split_once(&format!("<{tag}")).unwrap();
            let (text, _) = rest.split_once('>').unwrap().1.split_once(&format!("</{tag}>")).unwrap();
            let allowed = format!("{tag}-src 'sha256-{}';", BASE64_STANDARD.encode(Sha256::digest(text)));
            assert!(POLICY.contains(&allowed), "write {allowed} into the policy");
        }
        assert!(!POLICY.contains("unsafe"));
    }

    #[test]
    fn there_is_one_style_and_one_script() {
        for tag in ["<style", "</style>", "<script", "</script>"] {
            assert_eq!(PAGE.matches(tag).count(), 1, "{tag}");
        }
        assert!(PAGE.starts_with("<!doctype html>"));
        assert!(PAGE.ends_with("</html>\n"));
    }

    /// Promise 5.28. The page has nothing that a strict Content-Security-Policy refuses or that turns a bot's output into markup.
    #[test]
    fn nothing_is_loaded_and_text_stays_text() {
        // The address of a log that is saved is made by the page itself (`blob:`).
        let page = PAGE.to_lowercase().replace("url.createobjecturl(", "").replace("url.revokeobjecturl(", "");
        let refused = [
            " style=",
            " onclick=",
            " onsubmit=",
            " onload=",
            " src=",
            "@import",
            "url(",
            "https://",
            "innerhtml",
            "outerhtml",
            "insertadjacenthtml",
            "document.write",
            "eval(",
            "new function",
            "localstorage.token",
        ];
        for word in refused {
            assert!(!page.contains(word), "the page contains `{word}`");
        }
        // The XML namespace of SVG is an address that no browser fetches.
        assert_eq!(page.matches("http://").count(), page.matches("http://www.w3.org/2000/svg").count());
    }
}
