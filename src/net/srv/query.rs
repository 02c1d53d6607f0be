// SPDX-License-Identifier: LGPL-2.1-or-later
//! One question to the name servers, over UDP, and over TCP if the answer is too long.
//!
//! The crate's own resolver is not used: it loses SRV records behind a CNAME, keeps a cache, and
//! answers for some domains by itself.

use std::time::Duration;

use hickory_resolver::Name;
use hickory_resolver::name_server::{GenericConnector, GenericNameServerPool, NameServerPool};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{self, RData, RecordType};
use hickory_resolver::proto::xfer::{DnsHandle, DnsRequestOptions, FirstAnswer, RetryDnsHandle};
use hickory_resolver::proto::{ProtoError, ProtoErrorKind};

use super::Target;
use super::configuration::Configuration;
use super::order::Record;
use super::sockets::Sockets;
use crate::error::{Error, ResolveError, Result};

/// The SRV records of a name. An empty list, like a name that does not exist, is
/// [`ResolveError::NoName`].
pub(super) fn records(name: &str, configuration: &Configuration, limit: Duration) -> Result<Vec<Record>> {
    let name = Name::from_ascii(name).map_err(|_| Error::Resolve(ResolveError::NoName))?;
    // Everything runs on this thread, and nothing of it is left when the runtime is dropped.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let answers = runtime.block_on(async {
        let asked = tokio::time::timeout(limit, ask(&name, configuration));
        asked.await.map_err(|_| Error::Resolve(ResolveError::Again))?
    })?;
    let records = srv_records(&name, &answers);
    if records.is_empty() {
        Err(Error::Resolve(ResolveError::NoName))
    } else {
        Ok(records)
    }
}

async fn ask(name: &Name, configuration: &Configuration) -> Result<Vec<rr::Record>> {
    let servers: GenericNameServerPool<Sockets> = NameServerPool::from_config(
        configuration.name_servers(),
        configuration.options(),
        GenericConnector::new(Sockets::default()),
    );
    let servers = RetryDnsHandle::new(servers, configuration.retries());
    let mut options = DnsRequestOptions::default();
    options.use_edns = configuration.edns;
    let question = Query::query(name.clone(), RecordType::SRV);
    match servers.lookup(question, options).first_answer().await {
        Ok(response) => Ok(response.into_message().take_answers()),
        Err(error) => Err(failure(&error)),
    }
}

/// The records at the end of the name's chain of aliases.
fn srv_records(name: &Name, answers: &[rr::Record]) -> Vec<Record> {
    let mut owner = name;
    // Each record can be a step of the chain once; a loop ends here too.
    for _ in answers {
        let alias = answers.iter().filter(|record| record.name() == owner).find_map(|record| {
            let RData::CNAME(alias) = record.data() else {
                return None;
            };
            Some(&alias.0)
        });
        match alias {
            Some(alias) => owner = alias,
            None => break,
        }
    }
    let of_owner = answers.iter().filter(|record| record.name() == owner);
    of_owner
        .filter_map(|record| {
            let RData::SRV(srv) = record.data() else {
                return None;
            };
            let host = srv.target().to_ascii();
            let target = Target {
                host: host.strip_suffix('.').unwrap_or(&host).to_owned(),
                port: srv.port(),
            };
            Some(Record {
                priority: srv.priority(),
                weight: srv.weight(),
                target,
            })
        })
        .collect()
}

/// What `getaddrinfo` would say.
fn failure(error: &ProtoError) -> Error {
    let reason = match error.kind() {
        ProtoErrorKind::NoRecordsFound { response_code, .. } => match response_code {
            ResponseCode::NXDomain | ResponseCode::NoError => ResolveError::NoName,
            ResponseCode::ServFail => ResolveError::Again,
            _ => ResolveError::Fail,
        },
        _ => ResolveError::Again,
    };
    Error::Resolve(reason)
}
