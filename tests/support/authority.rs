//! An authority of a test, and the certificates that it signs: of any name, for any years.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// From the first of January of one year to that of another.
pub type Years = (i32, i32);
/// Years of which every test is a part.
pub const NOW: Years = (2020, 2090);

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one of this name.
    pub fn new(name: &str) -> Self {
        let mut own = CertificateParams::new(Vec::<String>::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = own.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(own, key), pem }
    }

    /// What vouches for whom it signs, for `--ca-file`.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate of a host, and its key.
    pub fn signed(&self, host: &str, years: Years) -> (Certificate, KeyPair) {
        let mut own = CertificateParams::new(vec![host.to_owned()]).unwrap();
        own.not_before = date_time_ymd(years.0, 1, 1);
        own.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        (own.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a server needs that shows such a certificate.
    pub fn server(&self, host: &str, years: Years) -> Arc<ServerConfig> {
        let (certificate, key) = self.signed(host, years);
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }
}
