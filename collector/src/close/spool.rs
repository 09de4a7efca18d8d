//! What is known of a spool while it is being read.

use std::collections::BTreeMap;

use model::{PollGroup, Quantity, Raw, SeriesDescriptor, Timestamp};
use store::{AgentKey, Registered, SeriesId};

use super::group::Group;
use super::live::{LiveValue, Window};
use super::memory::CloserTrouble;
use super::saved::{SavedGroup, SavedSpool};

/// Most groups of one run; an agent of 10,000 devices with a handful of groups each has 50,000.
const GROUPS_MAX: usize = 65_536;
/// Most series of one run.
const SERIES_MAX: usize = 1 << 20;

/// A series that an agent declared, and what it is in the record.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) registered: Registered,
    pub(super) descriptor: SeriesDescriptor,
}

impl Known {
    /// A value as the panels show it; `None` if it is no number.
    pub(super) fn shown(
        &self,
        (time, raw): (Timestamp, Raw),
        period_ms: u32,
    ) -> Option<(SeriesId, LiveValue, Window)> {
        let value = self.descriptor.value(raw);
        let power = self.descriptor.quantity == Quantity::ActivePower;
        let window = if power { Window::Kept } else { Window::None };
        value.is_finite().then_some((self.registered.series, LiveValue { time, value, period_ms }, window))
    }
}

/// A spool: its run, what the numbers of the run mean, and how far it was counted.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) agent: AgentKey,
    pub(super) run: Option<u64>,
    pub(super) known: BTreeMap<u32, Known>,
    groups: Vec<Option<Group>>,
    /// The latest poll.
    pub(super) latest: Option<Timestamp>,
}

impl Spool {
    pub(super) fn new(agent: AgentKey) -> Self {
        Self { agent, run: None, known: BTreeMap::new(), groups: Vec::new(), latest: None }
    }

    /// The group of a number.
    pub(super) fn group(&mut self, number: u32) -> Option<&mut Group> {
        self.groups.get_mut(usize::try_from(number).ok()?)?.as_mut()
    }

    /// Is this very group declared?
    pub(super) fn has_group(&self, plan: &PollGroup) -> bool {
        let place = usize::try_from(plan.number).unwrap_or(usize::MAX);
        self.groups.get(place).and_then(Option::as_ref).is_some_and(|group| group.plan == *plan)
    }

    /// Its groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().flatten()
    }

    /// Its groups, to be changed.
    pub(super) fn groups_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut().flatten()
    }

    /// Puts a group in its place; gives back the one that was there.
    pub(super) fn put_group(&mut self, group: Group) -> Result<Option<Group>, CloserTrouble> {
        let place = usize::try_from(group.plan.number).ok().filter(|place| *place < GROUPS_MAX);
        let place = place.ok_or(CloserTrouble::GroupNumber { number: group.plan.number })?;
        if self.groups.len() <= place {
            self.groups.resize_with(place + 1, || None);
        }
        Ok(self.groups[place].replace(group))
    }

    /// Forgets what the numbers of the run meant; gives back its groups.
    pub(super) fn clear(&mut self) -> Vec<Group> {
        self.known.clear();
        std::mem::take(&mut self.groups).into_iter().flatten().collect()
    }

    /// Is there room for so many more series?
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.known.len().saturating_add(more) <= SERIES_MAX
    }

    /// As it is kept in the record.
    pub(super) fn saved(&self) -> SavedSpool {
        let group = |group: &Group| SavedGroup {
            plan: group.plan.clone(),
            counted_to: group.counted_to,
            came: group.came,
        };
        SavedSpool {
            agent: self.agent.clone(),
            run: self.run,
            series: self.known.values().map(|known| known.descriptor.clone()).collect(),
            groups: self.groups().map(group).collect(),
            latest: self.latest,
        }
    }
}
