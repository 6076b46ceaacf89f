//! The certificates of authorities that a webhook trusts.

/// Returns the certificates in a file of PEM that can be those of authorities, in DER. Others in it are left out, as they are in
/// collections of many authorities.
///
/// # Errors
/// There is none.
#[cfg(feature = "webhook")]
pub(super) fn parse(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let mut store = RootCertStore::empty();
    let mut authorities = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "it is not a file of certificates in PEM".to_owned())?;
        if store.add(certificate.clone()).is_ok() {
            authorities.push(certificate.to_vec());
        }
    }
    if authorities.is_empty() {
        return Err(
            "it holds no certificate of an authority: write the path of a file in PEM, which has lines such as \
                    `-----BEGIN CERTIFICATE-----`"
                .into(),
        );
    }
    Ok(authorities)
}

/// Refuses all certificates.
///
/// # Errors
/// This program was built without the feature `webhook`.
#[cfg(not(feature = "webhook"))]
pub(super) fn parse(_: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    Err("this program was built without the feature `webhook`".into())
}
