//! Clients of HTTP.

/// One that uses the system's certificates and follows nobody: a redirect would carry a key to another address.
pub(crate) fn http() -> reqwest::ClientBuilder {
    // The second one in a process changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none())
}
