//! The handshake, and what a certificate says that is not taken.

use std::sync::{Arc, Mutex};

use disk_prep::noun::visible_line;
use disk_prep::sys::hold::hold;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::steps::Secured;
use super::wire::{Stream, WITHIN, silence, told};
use crate::azure::network::Network;
use crate::azure::reason::Reason;

/// Judges as the ordinary client does, and keeps what it saw.
#[derive(Debug)]
struct Looking {
    judge: Verifier,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

pub(super) async fn handshake(
    network: &Network,
    name: &str,
    stream: Box<dyn Stream>,
    secured: &mut Option<Secured>,
) -> Option<Box<dyn Stream>> {
    let (looking, config) = match configured(network) {
        Ok(made) => made,
        Err(why) => {
            *secured = Some(Secured::Failed(why));
            return None;
        }
    };
    let server = ServerName::try_from(name.to_owned()).ok()?;
    let tried = timeout(WITHIN, TlsConnector::from(Arc::new(config)).connect(server, stream)).await;
    let seen = hold(&looking.seen).take();
    match tried {
        Ok(Ok(stream)) => {
            *secured = Some(Secured::By { issuer: issuer(seen.as_ref()) });
            Some(Box::new(stream))
        }
        Ok(Err(error)) => {
            let own = error.get_ref().and_then(|own| own.downcast_ref::<Error>());
            *secured = Some(match own {
                Some(Error::InvalidCertificate(why)) => refused(why, seen.as_ref()),
                _ => Secured::Failed(told(&error)),
            });
            None
        }
        Err(_) => {
            *secured = Some(Secured::Failed(silence()));
            None
        }
    }
}

fn configured(network: &Network) -> Result<(Arc<Looking>, ClientConfig), Reason> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = match &network.ca_file {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| told(&error))?,
        None => Vec::new(),
    };
    let judge = Verifier::new_with_extra_roots(roots, Arc::clone(&provider));
    let judge = judge.map_err(|error| told(&error))?;
    let looking = Arc::new(Looking { judge, seen: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&looking) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    Ok((looking, config))
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *hold(&self.seen) = Some(end_entity.clone().into_owned());
        self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

fn refused(why: &CertificateError, seen: Option<&CertificateDer<'_>>) -> Secured {
    use CertificateError as Why;
    match why {
        Why::Expired
        | Why::ExpiredContext { .. }
        | Why::NotValidYet
        | Why::NotValidYetContext { .. } => Secured::Untimely { span: span(seen) },
        // What signed itself as an authority is told as something else.
        Why::UnknownIssuer | Why::Other(_) => Secured::UnknownIssuer { issuer: issuer(seen) },
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            Secured::OtherName { names: names(seen) }
        }
        other => Secured::Failed(told(&Error::InvalidCertificate(other.clone()))),
    }
}

fn parsed<T>(
    seen: Option<&CertificateDer<'_>>,
    of: impl Fn(&X509Certificate<'_>) -> T,
) -> Option<T> {
    X509Certificate::from_der(seen?).ok().map(|(_, own)| of(&own))
}

/// In one line: a stranger wrote it.
fn line(text: &str) -> String {
    visible_line(text).chars().take(200).collect()
}

fn issuer(seen: Option<&CertificateDer<'_>>) -> String {
    parsed(seen, |own| line(&own.issuer().to_string())).unwrap_or_default()
}

fn span(seen: Option<&CertificateDer<'_>>) -> String {
    let told = |own: &X509Certificate<'_>| {
        let validity = own.validity();
        line(&format!("from {} until {}", validity.not_before, validity.not_after))
    };
    parsed(seen, told).unwrap_or_default()
}

fn names(seen: Option<&CertificateDer<'_>>) -> String {
    let told = |own: &X509Certificate<'_>| {
        let names = own.subject_alternative_name().ok().flatten();
        let names = names.map(|own| own.value.general_names.clone()).unwrap_or_default();
        let names: Vec<String> = names
            .iter()
            .filter_map(|own| match own {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect();
        line(&names.join(", "))
    };
    parsed(seen, told).unwrap_or_default()
}
