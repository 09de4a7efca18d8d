//! What the closer needs from the record: numbers of what agents declare, and what earlier lives kept.

use model::{Period, SpoolId, Timestamp};
use store::{DeviceKey, StoreError};

use super::losses::Losses;
use super::memory::{CloserTrouble, DeviceState, From, Pending, Wanted};
use super::run::{CloseError, Closer};
use super::saved::{SavedDevice, SavedSpool, device_key, is_device_key};
use super::spool::Spool;

/// How far back the latest values are looked for at the start: what is older is no value of now.
const RECENT_MS: i64 = 1_800_000;
impl Closer {
    /// Asks the record for the numbers of new series and devices.
    pub(super) fn declare(
        &mut self,
        from: From<'_>,
        wanted: Wanted,
    ) -> Result<Result<(), CloserTrouble>, CloseError> {
        let (site, at) = (wanted.agent.site.clone(), from.time);
        let (series, groups) = (wanted.series.clone(), wanted.groups.clone());
        let done = self.writer.work_blocking(move |writer| {
            writer.transaction(|tx| {
                let registered =
                    series.iter().map(|one| tx.series(&site, one, at)).collect::<Result<Vec<_>, _>>()?;
                let devices = groups.iter().map(|group| tx.device(&site, &group.device, at));
                Ok::<_, StoreError>((registered, devices.collect::<Result<Vec<_>, _>>()?))
            })
        })?;
        let (registered, devices) = done?;
        for device in &devices {
            self.know_device(*device)?;
        }
        Ok(self.memory.declare(from, wanted, registered, &devices))
    }

    fn know_device(&mut self, key: DeviceKey) -> Result<(), CloseError> {
        if self.memory.device_places.contains_key(&key) {
            return Ok(());
        }
        let device = self.reader.device_by_key(key)?;
        let agent = device.as_ref().and_then(|device| {
            Some(store::AgentKey { site: device.site.clone(), agent: device.agent.clone()? })
        });
        let seen = device.and_then(|device| device.seen).unwrap_or(Timestamp::MIN);
        let saved = match self.reader.spool_state(device_key(key))? {
            Some(body) => serde_json::from_slice(&body).unwrap_or_else(|error| {
                tracing::error!(device = %key, %error, "what was kept of registers cannot be read, counting begins anew");
                SavedDevice::default()
            }),
            None => SavedDevice::default(),
        };
        self.memory.device_places.insert(key, self.memory.devices.len());
        self.memory.devices.push(DeviceState {
            key,
            agent,
            agent_seen: seen,
            losses: Losses::default(),
            saved,
            counters: Vec::new(),
            sent: false,
        });
        Ok(())
    }

    /// Brings back what is known of each spool, so that reading goes on where it ended.
    pub(super) fn restore(&mut self) -> Result<(), CloseError> {
        for (id, body) in self.reader.spool_states()? {
            if is_device_key(id) {
                continue;
            }
            match serde_json::from_slice::<SavedSpool>(&body) {
                Ok(saved) => self.restore_spool(id, saved)?,
                Err(error) => {
                    tracing::error!(spool = %id, %error, "what was kept of a spool cannot be read; its next declaration brings it back");
                }
            }
        }
        self.memory.pending = Pending::default();
        self.restore_live()
    }

    /// Shows the latest values that are in the record, so that panels are not empty until every device was polled.
    fn restore_live(&mut self) -> Result<(), CloseError> {
        let now = self.clock.now();
        let recent = Period::new(now.plus_millis(-RECENT_MS), now);
        for device in &self.memory.devices {
            for chunk in self.reader.chunks(device.key, recent)? {
                self.memory.publish_chunk(&self.live, &chunk, recent);
            }
        }
        Ok(())
    }

    fn restore_spool(&mut self, id: SpoolId, saved: SavedSpool) -> Result<(), CloseError> {
        let mut spool = Spool::new(saved.agent.clone());
        (spool.run, spool.latest) = (saved.run, saved.latest);
        self.memory.spools.insert(id, spool);
        let (series, groups) = (saved.series, saved.groups.iter().map(|group| group.plan.clone()).collect());
        let now = self.clock.now();
        let from = From { spool: id, agent: &saved.agent, time: now, received: now };
        let wanted = Wanted { agent: saved.agent.clone(), series, groups };
        if let Err(trouble) = self.declare(from, wanted)? {
            tracing::error!(spool = %id, %trouble, "what was kept of a spool contradicts itself");
        }
        if let Some(spool) = self.memory.spools.get_mut(&id) {
            for (group, saved) in spool.groups_mut().zip(saved.groups) {
                (group.counted_to, group.came) = (saved.counted_to, saved.came);
            }
        }
        Ok(())
    }
}
