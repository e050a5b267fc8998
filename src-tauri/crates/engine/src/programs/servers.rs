//! Model servers on this computer. Only loopback addresses are asked, for nothing but their models; no redirection is
//! followed, no proxy used, and no key sent.

use nox_domain::{
    agent::{Program, Runtime},
    discovery::{AgentOffer, FoundServer},
};
use nox_runtimes::{ListForm, models_on_loopback};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::task::JoinSet;

/// How long a server may take; it is on this computer.
const LIMIT: Duration = Duration::from_secs(2);
const MOST_MODELS: usize = 200;

/// A kind of model server, and how it tells its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port {
    id: &'static str,
    title: &'static str,
    port: u16,
    provider: &'static str,
    models: &'static str,
    /// What comes behind the address for whoever asks a model.
    base: &'static str,
    /// The form of its list.
    form: ListForm,
    /// What it says that its models are owned by, when that is particular to it.
    owner: Option<&'static str>,
}

const OLLAMA: Port = Port {
    id: "ollama",
    title: "Ollama",
    port: 11434,
    provider: "ollama",
    models: "/api/tags",
    base: "",
    form: ListForm::OLLAMA,
    owner: None,
};
const LM_STUDIO: Port = Port {
    id: "lm_studio",
    title: "LM Studio",
    port: 1234,
    provider: "compatible",
    models: "/v1/models",
    base: "/v1",
    form: ListForm::OPENAI,
    owner: None,
};
const LLAMA_CPP: Port =
    Port { id: "llama_cpp", title: "llama.cpp", port: 8080, owner: Some("llamacpp"), ..LM_STUDIO };
const VLLM: Port = Port { id: "vllm", title: "vLLM", port: 8000, owner: Some("vllm"), ..LM_STUDIO };
/// Something else at the port of one of those that speaks as they do.
const OTHER: Port = Port { id: "compatible", title: "Model server", ..LM_STUDIO };

impl Port {
    /// Every kind at its usual port, and Ollama also where it was told to be, as `OLLAMA_HOST` says.
    pub(super) fn all(ollama_host: Option<&str>) -> Vec<(Self, SocketAddr)> {
        let mut all: Vec<(Self, SocketAddr)> = [OLLAMA, LM_STUDIO, LLAMA_CPP, VLLM]
            .map(|kind| (kind, SocketAddr::from((Ipv4Addr::LOCALHOST, kind.port))))
            .into();
        if let Some(address) = ollama_host.and_then(loopback_of)
            && address != all[0].1
        {
            all.insert(1, (OLLAMA, address));
        }
        all
    }

    /// This kind at another address, for tests.
    #[cfg(test)]
    pub(super) fn at(id: &str, address: SocketAddr) -> (Self, SocketAddr) {
        let kind = [OLLAMA, LM_STUDIO, LLAMA_CPP, VLLM].into_iter().find(|kind| kind.id == id);
        (kind.unwrap_or(OTHER), address)
    }
}

/// The address that `OLLAMA_HOST` names, if it is on this computer. The server's own address may be one of no machine
/// in particular.
fn loopback_of(host: &str) -> Option<SocketAddr> {
    let host = host.trim();
    let host = host.strip_prefix("http://").unwrap_or(host).trim_end_matches('/');
    let address = |ip: &str, port: u16| {
        let ip = match ip {
            "" | "localhost" | "0.0.0.0" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip.trim_matches(['[', ']']).parse().ok()?,
        };
        let ip = if ip.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { ip };
        ip.is_loopback().then_some(SocketAddr::new(ip, port))
    };
    match host.rsplit_once(':') {
        Some((ip, port)) if !ip.contains(':') || ip.ends_with(']') => address(ip, port.parse().ok()?),
        _ => address(host, OLLAMA.port),
    }
}

/// Asks all at the same time; who does not answer is not there.
pub(super) async fn look(servers: &[(Port, SocketAddr)]) -> Vec<FoundServer> {
    let mut looks = JoinSet::new();
    for (place, (kind, address)) in servers.iter().copied().enumerate() {
        looks.spawn(async move { (place, ask(kind, address).await) });
    }
    let mut found = looks.join_all().await;
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().filter_map(|(_, server)| server).collect()
}

async fn ask(kind: Port, address: SocketAddr) -> Option<FoundServer> {
    // Something else may be at the port: only a list of models makes it a model server.
    let list = models_on_loopback(address, kind.models, kind.form, LIMIT).await?;
    let owned_by = |owner: &str| list.iter().any(|model| model.owner.as_deref() == Some(owner));
    let kind = match kind.owner {
        Some(owner) if !owned_by(owner) => OTHER,
        _ => kind,
    };
    let models: Vec<String> = list.into_iter().map(|model| model.id).take(MOST_MODELS).collect();
    let next = models.is_empty().then(|| match kind.id {
        "ollama" => {
            "It has no model. Get one in a terminal, such as “ollama pull qwen3”, then look again.".into()
        }
        _ => "It has no model. Load one there, then look again.".into(),
    });
    Some(FoundServer {
        id: kind.id.to_owned(),
        title: kind.title.to_owned(),
        address: format!("http://{address}"),
        models,
        next,
        agent: AgentOffer {
            name: kind.title.to_owned(),
            description: format!("A model of the server at {address} on this computer."),
            runtime: Runtime::Llm,
            program: Program {
                provider: Some(kind.provider.to_owned()),
                address: Some(format!("http://{address}{}", kind.base)),
                ..Program::default()
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_of_this_computer_is_asked() {
        let local = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        for (host, address) in [
            ("127.0.0.1", local(11434)),
            ("localhost:8123", local(8123)),
            ("http://127.0.0.1:9/", local(9)),
            ("0.0.0.0:7777", local(7777)),
            (":5000", local(5000)),
            ("[::1]:5001", Some(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 5001)))),
            ("192.168.1.9:11434", None),
            ("models.example:11434", None),
            ("https://127.0.0.1:1", None),
            ("127.0.0.1:nonsense", None),
        ] {
            assert_eq!(loopback_of(host), address, "{host}");
        }
    }
}
