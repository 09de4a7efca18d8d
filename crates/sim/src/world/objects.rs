//! The objects of an SNMP device.

use std::collections::BTreeSet;

use model::{Channel, Quantity, Timestamp};
use profile::snmp::Wanted;
use profile::{Amount as Value, IdentitySource, Oid, Profile, SnmpPlan, SnmpProfile, SnmpValue, VarBinds};

use super::Unit;
use super::unit::wrap_of;
use crate::physics::Ledger;
use crate::site::Device;

/// sysDescr, sysObjectID, sysUpTime, sysName (RFC 3418).
const SYSTEM: [u32; 7] = [1, 3, 6, 1, 2, 1, 1];
/// sysObjectID where the profile knows none: that of net-snmp on an unknown machine.
const UNKNOWN_MAKER: [u32; 10] = [1, 3, 6, 1, 4, 1, 8072, 3, 2, 255];

/// The objects of an SNMP device.
#[derive(Debug)]
pub(crate) struct Objects {
    profile: SnmpProfile,
    /// What the device can show.
    shows: Vec<(Quantity, Channel)>,
    /// Objects that always hold the same.
    fixed: VarBinds,
    kept: Option<(Timestamp, VarBinds)>,
    nothing: VarBinds,
}

impl Objects {
    pub(crate) fn new(device: &Device, profile: &Profile, objects: &SnmpProfile) -> Self {
        Self {
            shows: shows(objects, device),
            profile: objects.clone(),
            fixed: fixed(device, profile),
            kept: None,
            nothing: VarBinds::new(),
        }
    }

    pub(crate) fn shown_at(&self) -> Option<Timestamp> {
        self.kept.as_ref().map(|(at, _)| *at)
    }

    pub(crate) fn shown(&self) -> &VarBinds {
        self.kept.as_ref().map_or(&self.nothing, |(_, binds)| binds)
    }

    /// What it shows may have changed.
    pub(crate) fn forget(&mut self) {
        self.kept = None;
    }

    pub(crate) fn keep(&mut self, at: Timestamp, binds: VarBinds) {
        self.kept = Some((at, binds));
    }

    /// What the device can show.
    pub(crate) fn shows(&self) -> &[(Quantity, Channel)] {
        &self.shows
    }

    /// The plan that an agent makes of a walk.
    pub(crate) fn plan_of(&self, walk: &VarBinds) -> SnmpPlan {
        self.profile.plan(walk)
    }

    /// Every object at an instant.
    pub(crate) fn encode(&self, unit: &Unit, mut ledger: Option<&mut Ledger>, now: Timestamp) -> VarBinds {
        let rows = unit.behaviour.rows(now);
        let shown: Vec<(Quantity, Channel)> =
            self.shows.iter().filter(|(_, channel)| is_there(channel, rows)).cloned().collect();
        let mut binds = self.encode_some(unit, ledger.as_deref_mut(), &shown, now);
        for (oid, value) in &self.fixed {
            binds.entry(oid.clone()).or_insert_with(|| value.clone());
        }
        let began = ledger.map_or(Timestamp::from_millis(0), |ledger| ledger.plant().spec().commissioned);
        let up = unit.behaviour.clock(now).millis_since(began) / 10;
        let ticks = u32::try_from(up.rem_euclid(1 << 32)).unwrap_or(0);
        binds.insert(system(3), SnmpValue::TimeTicks(ticks));
        binds
    }

    /// The objects that show some quantities at some channels. A value that does not fit is left out, as is one that
    /// the plant does not have.
    pub(crate) fn encode_some(
        &self,
        unit: &Unit,
        mut ledger: Option<&mut Ledger>,
        shows: &[(Quantity, Channel)],
        now: Timestamp,
    ) -> VarBinds {
        let wanted: Vec<Wanted> = shows
            .iter()
            .filter_map(|(quantity, channel)| {
                let wrap = self.wrap(*quantity);
                let amount = unit.show(ledger.as_deref_mut(), (*quantity, channel), wrap, now)?;
                Some(Wanted { quantity: *quantity, channel: channel.clone(), amount })
            })
            .collect();
        self.profile.encode(&wanted).unwrap_or_else(|_| {
            let fitting: Vec<Wanted> = wanted
                .into_iter()
                .filter(|one| self.profile.encode(std::slice::from_ref(one)).is_ok())
                .collect();
            self.profile.encode(&fitting).unwrap_or_default()
        })
    }

    fn wrap(&self, quantity: Quantity) -> Option<crate::physics::Amount> {
        let scalars = self.profile.scalars.iter().map(|one| &one.measured);
        let columns =
            self.profile.tables.iter().flat_map(|table| table.readings.iter().map(|one| &one.measured));
        let measured = scalars.chain(columns).find(|one| one.quantity == quantity)?;
        let conversion = profile::Conversion::new(quantity, measured.scale, measured.unit).ok()?;
        let shape = profile::SeriesShape {
            quantity,
            channel: Channel::total(),
            encoding: model::Encoding::Integer,
            exponent: conversion.exponent(),
            wraps_at: conversion.raw_steps(measured.wraps_at?),
            resolution: 1,
            side: measured.side,
            source: String::new(),
        };
        wrap_of(&shape)
    }
}

/// What of all that its profile names a device can show: scalars where they stand, and of tables the rows of parts
/// that it has.
fn shows(objects: &SnmpProfile, device: &Device) -> Vec<(Quantity, Channel)> {
    let scalars = objects.scalars.iter().map(|one| (one.measured.quantity, one.channel.clone()));
    let mut all: Vec<(Quantity, Channel)> = scalars.collect();
    let quantities: BTreeSet<Quantity> = objects
        .tables
        .iter()
        .flat_map(|table| table.readings.iter().map(|one| one.measured.quantity))
        .collect();
    for quantity in quantities {
        for channel in device.subject.channels() {
            let probe = Wanted { quantity, channel: channel.clone(), amount: Value::Float(0.0) };
            if objects.encode(std::slice::from_ref(&probe)).is_ok()
                && !all.contains(&(quantity, channel.clone()))
            {
                all.push((quantity, channel));
            }
        }
    }
    all
}

/// Is a row there, in tables of so many rows? Rows are the parts that are numbered: `outlet.3`, `l3`.
fn is_there(channel: &Channel, rows: Option<u8>) -> bool {
    let name = channel.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
    let number = channel.as_str().get(name.len()..).and_then(|number| number.parse::<u8>().ok());
    rows.zip(number).is_none_or(|(rows, number)| number <= rows)
}

fn system(object: u32) -> Oid {
    let mut arcs = SYSTEM.to_vec();
    arcs.extend([object, 0]);
    Oid::new(&arcs).expect("nine numbers make an OID")
}

fn fixed(device: &Device, profile: &Profile) -> VarBinds {
    let text = |text: &str| SnmpValue::OctetString(text.as_bytes().to_vec());
    let unknown = || Oid::new(&UNKNOWN_MAKER).expect("ten numbers make an OID");
    let object_id = profile.identification.object_ids.first().cloned().unwrap_or_else(unknown);
    let mut binds = VarBinds::from([
        (system(1), text(&format!("{} {} (simulated)", profile.maker, profile.model))),
        (system(2), SnmpValue::Oid(object_id)),
        (system(5), text(device.id.as_str())),
    ]);
    let identity = &profile.identity;
    let named = [
        (&identity.maker, profile.maker.as_str()),
        (&identity.model, profile.model.as_str()),
        (&identity.serial, device.id.as_str()),
        (&identity.firmware, "sim"),
    ];
    for (source, name) in named {
        if let Some(IdentitySource::Object(oid)) = source {
            // A column is asked for by the object below it.
            let oid = if oid.arcs().last() == Some(&0) { oid.clone() } else { oid.child(&[1]) };
            binds.entry(oid).or_insert_with(|| text(name));
        }
    }
    for probe in &profile.identification.probes {
        binds.entry(probe.clone()).or_insert(SnmpValue::Integer(1));
    }
    binds
}
