//! Certificates that strict clients take: an authority made at the start, and what it certifies,
//! with key identifiers, the use of the key, and a validity of days.

use std::path::Path;
use std::sync::Arc;

use disk_prep::sys::durable::{self, Access};
use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::addresses::Names;
use super::error::Error;

/// How many days both are good for; clients refuse more than 825 ("Requirements for trusted
/// certificates").
const DAYS: i32 = 365;

/// Makes a certificate authority and a certificate for this machine's own names and for those of a
/// cloud; the authority is written to `ca`, its key is kept by nobody.
pub(super) fn certify(ca: &Path, names: &Names) -> Result<TlsAcceptor, Error> {
    let (authority, config) =
        certificates(names).expect("new keys and fixed names make certificates that go together");
    durable::write(ca, authority.as_bytes(), Access::Public)
        .map_err(|source| Error::Folder { path: ca.to_owned(), source })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Who answers under these names: this machine, and the hosts of a cloud.
fn hosts(names: &Names) -> Vec<String> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let of = |address: &str| Url::parse(address).ok()?.host_str().map(str::to_owned);
    hosts.extend([&names.arm, &names.authority].into_iter().filter_map(|own| of(own)));
    hosts.push(format!("*.blob.{}", names.suffix));
    hosts
}

/// Good from yesterday on, since clocks differ.
fn dated(mut params: CertificateParams) -> CertificateParams {
    let day = |days: i32| {
        let now = Zoned::new(Timestamp::now(), TimeZone::UTC);
        let day = now.checked_add(days.days()).unwrap_or(now).date();
        date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = day(-1);
    params.not_after = day(DAYS);
    params
}

/// The authority's certificate as PEM, and what a server shows that it has certified.
fn certificates(names: &Names) -> Result<(String, ServerConfig), Box<dyn std::error::Error>> {
    let authority_key = KeyPair::generate()?;
    let mut params = dated(CertificateParams::new(Vec::new())?);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "azseed emulator");
    let authority = params.self_signed(&authority_key)?;
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate()?;
    let mut own = dated(CertificateParams::new(hosts(names))?);
    own.distinguished_name = rcgen::DistinguishedName::new();
    own.distinguished_name.push(DnType::CommonName, "localhost");
    own.use_authority_key_identifier_extension = true;
    own.is_ca = IsCa::ExplicitNoCa;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let own = own.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)?;
    Ok((authority.pem(), config))
}
