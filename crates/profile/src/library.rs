//! All profiles that a program knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use settings::Mistakes;

use crate::{Oid, Profile};

/// Profiles by id. Cloning a profile's handle is cheap.
#[derive(Debug, Clone, Default)]
pub struct Library {
    profiles: BTreeMap<String, Arc<Profile>>,
}

/// Why a profile cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// Its text is wrong. Prints one mistake a line.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// There is one of that name.
    #[error("{file}:1: id: a profile `{id}` is already there, choose another id")]
    Taken {
        /// The file that was to be added.
        file: String,
        /// The id in it.
        id: String,
    },
}

macro_rules! built_in {
    ($($name:literal)*) => {
        /// File name and text of each profile that comes with the program.
        const BUILT_IN: &[(&str, &str)] = &[
            $((
                concat!("config/profiles/", $name, ".toml"),
                include_str!(concat!("../../../config/profiles/", $name, ".toml")),
            ),)*
        ];
    };
}

built_in! {
    "abb-b23"
    "abb-cms-600"
    "abb-cms700-snmp"
    "acrel-adw300"
    "akcp-sensorprobe"
    "apc-cooling"
    "apc-environment"
    "apc-inrow-rc"
    "apc-inrow-rc-modbus"
    "apc-inrow-rp"
    "apc-inrow-rp500"
    "apc-inrow-sc"
    "apc-netbotz"
    "apc-netbotz-750"
    "apc-rpdu"
    "apc-rpdu2"
    "apc-ups"
    "apc-xpdu"
    "avocent-pm-pdu"
    "bachmann-bluenet2"
    "camille-bauer-aplus"
    "carlo-gavazzi-em112"
    "carlo-gavazzi-em24"
    "carlo-gavazzi-em340"
    "cisco-entity-sensor"
    "cyberpower-epdu"
    "cyberpower-epdu2"
    "cyberpower-ups"
    "dell-idrac"
    "delta-ups"
    "eastron-sdm120"
    "eastron-sdm630"
    "eastron-sdm72-v1"
    "eastron-sdm72-v2"
    "eaton-epdu"
    "eaton-xups"
    "enlogic-pdu"
    "entity-sensor"
    "finder-7m38"
    "geist-v4"
    "generex-cs141-modbus"
    "gude-epc1202"
    "gude-epc8031"
    "gude-esb7213"
    "gude-esb7214"
    "hager-ecr380d"
    "hpe-cpqpower"
    "hpe-g2-pdu"
    "hpe-ilo"
    "hwg-poseidon"
    "hwg-ste"
    "hwg-ste2"
    "janitza-b23"
    "janitza-umg511"
    "janitza-umg604"
    "janitza-umg604-snmp"
    "janitza-umg801"
    "janitza-umg806"
    "janitza-umg96-snmp"
    "janitza-umg96rm"
    "kamstrup-multical"
    "kdk-puct2"
    "kdk-puct2-old"
    "lenovo-xcc"
    "lovato-dmg610"
    "mge-ups"
    "panduit-g5"
    "phoenix-eem-ma600"
    "phoenix-eem-mb370"
    "power-ethernet"
    "pqplus-umd96"
    "pqplus-umd97"
    "raritan-px"
    "raritan-px1"
    "rfc1628-ups"
    "riedo-e3meter"
    "rittal-cmc3"
    "rittal-it-chiller"
    "saia-ale3"
    "schleifenbauer-dpm3"
    "schneider-iem3000"
    "schneider-iem3x55"
    "schneider-pm2000"
    "schneider-pm5000"
    "schneider-powertag"
    "servertech-sentry3"
    "servertech-sentry4"
    "siemens-pac1600"
    "siemens-pac2200"
    "siemens-pac3200"
    "siemens-pac4200"
    "siemens-sicam-t"
    "socomec-countis-e24"
    "socomec-countis-e34"
    "socomec-diris-a10"
    "socomec-diris-b30"
    "socomec-netvision"
    "stulz-c7000-modbus"
    "stulz-wib8000"
    "sunspec-inverter"
    "sunspec-meter"
    "vertiv-geist"
    "vertiv-icom-chiller"
    "vertiv-icom-crac"
    "vertiv-liebert"
    "wago-879-30xx"
}

impl Library {
    /// The profiles that come with the program.
    ///
    /// # Errors
    /// Never in a program that passed its tests: one of them reads every profile.
    pub fn built_in() -> Result<Self, LibraryError> {
        let mut library = Self::default();
        for (file, text) in BUILT_IN {
            library.add(file, text)?;
        }
        Ok(library)
    }

    /// Adds a profile of the user.
    ///
    /// # Errors
    /// If its text is wrong or its id is taken.
    pub fn add(&mut self, file: &str, text: &str) -> Result<Arc<Profile>, LibraryError> {
        let profile = Arc::new(Profile::parse(file, text)?);
        let id = profile.id.as_str().to_owned();
        if self.profiles.contains_key(&id) {
            return Err(LibraryError::Taken { file: file.to_owned(), id });
        }
        self.profiles.insert(id, Arc::clone(&profile));
        Ok(profile)
    }

    /// By id.
    pub fn get(&self, id: &str) -> Option<&Arc<Profile>> {
        self.profiles.get(id)
    }

    /// All, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.profiles.values()
    }

    /// SNMP profiles that may fit a device, the likeliest first: those whose sysObjectID fits, the longest match
    /// first, then those that are recognised by their objects alone; of those that fit equally well, the higher
    /// [`Identification::rank`](crate::Identification::rank) first. One with probes fits only if all of them answer
    /// ([`Identification::probes_answer`](crate::Identification::probes_answer)).
    pub fn candidates(&self, object_id: Option<&Oid>) -> Vec<&Arc<Profile>> {
        let rank = |profile: &Arc<Profile>| {
            let rules = &profile.identification;
            let length = match object_id.and_then(|object_id| rules.object_id_match(object_id)) {
                Some(length) => length,
                None => (rules.object_ids.is_empty() && !rules.probes.is_empty()).then_some(0)?,
            };
            Some((length, rules.rank))
        };
        let fitting = self.iter().filter(|profile| profile.snmp().is_some());
        let mut ranked: Vec<_> =
            fitting.filter_map(|profile| rank(profile).map(|rank| (rank, profile))).collect();
        ranked.sort_by_key(|(rank, profile)| (std::cmp::Reverse(*rank), profile.id.clone()));
        ranked.into_iter().map(|(_, profile)| profile).collect()
    }
}
