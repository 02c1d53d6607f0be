// SPDX-License-Identifier: LGPL-2.1-or-later
//! A node whose queue the server is asked to run (RFC 1985).

use std::ffi::{CStr, CString};
use std::rc::Rc;

use super::{ApplicationData, Status};
use crate::protocol::envelope::EtrnOption;

/// One `ETRN` and its answer.
pub struct EtrnNode {
    option: EtrnOption,
    domain: CString,
    status: Status,
    application_data: ApplicationData,
}

impl EtrnNode {
    pub(super) fn new(option: EtrnOption, domain: CString) -> Rc<Self> {
        Rc::new(Self {
            option,
            domain,
            status: Status::default(),
            application_data: ApplicationData::default(),
        })
    }

    /// What the domain names.
    #[must_use]
    pub fn option(&self) -> EtrnOption {
        self.option
    }

    /// The domain as the application gave it.
    #[must_use]
    pub fn domain(&self) -> &CStr {
        &self.domain
    }

    /// The last reply about this node.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The application's own pointer.
    #[must_use]
    pub fn application_data(&self) -> &ApplicationData {
        &self.application_data
    }
}
