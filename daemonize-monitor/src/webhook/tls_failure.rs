//! The causes of a TLS connection that failed, with what to do. None shows a name of a certificate, which the address may hold.

use rustls::{CertificateError, Error};

/// Returns the cause of a failure.
pub(super) fn cause(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(wrong) => certificate_cause(wrong),
        Error::NoCertificatesPresented => "the server has no certificate",
        Error::AlertReceived(_) | Error::PeerIncompatible(_) => {
            "TLS failed: the server refuses the connection: it must speak TLS 1.2 or 1.3, for the host in `url`"
        }
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => {
            "TLS failed: the server does not speak TLS on this port: correct the port in `url`"
        }
        _ => "TLS failed",
    }
}

fn certificate_cause(wrong: &CertificateError) -> &'static str {
    match wrong {
        CertificateError::UnknownIssuer => {
            "the server's certificate is signed by no authority that is trusted: write the file with the authority's certificate \
             into `ca` of the webhook"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is not for the host in `url`: correct the host, or have the server send its own certificate"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired: renew it, or correct the clock of this machine"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: correct the clock of this machine"
        }
        CertificateError::Revoked => "the server's certificate was revoked: renew it",
        CertificateError::BadSignature => {
            "the server's certificate is not signed with the key of the authority of its name: `ca` of the webhook may hold an old one"
        }
        _ => {
            "the server's certificate is refused: it may be one of an authority (`CA:TRUE`, as `openssl req -x509` makes it), or not of \
             version 3: have the server send one with `CA:FALSE`, and write the file with its authority's into `ca` of the webhook"
        }
    }
}
