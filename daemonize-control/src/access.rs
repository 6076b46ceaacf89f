//! Who may: peer credentials, token, Host, Origin, Sec-Fetch.
