//! The thread that owns the record's writer: batches that wait are committed together, and whoever else must write
//! sends a piece of work.

use std::fmt;
use std::thread::JoinHandle;

use store::{GapPolicy, Outcome, ReceivedBatch, Sighting, StoreError, Tx, Writer};
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait. A batch is at most 1 MiB, so at most 64 MiB wait here; who finds it full is told to come back.
const QUEUE: usize = 64;
/// Batches of one transaction: with 20 a disk that syncs 600 times a second takes 10,000 batches a second.
const GROUP: usize = 32;

/// A batch and what its sender says of what lies before.
#[derive(Debug)]
pub struct Incoming {
    /// The batch. Its `gap` is set from `gap_from` and the cursor.
    pub batch: ReceivedBatch,
    /// The sender has nothing from this number up to the batch.
    pub gap_from: Option<u64>,
    /// Who sent it.
    pub sighting: Sighting,
}

/// The record cannot be written right now. The cause is logged where it arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordBusy {
    /// Too much waits already.
    #[error("too much waits to be written")]
    Full,
    /// The transaction failed and was undone.
    #[error("the record could not be written")]
    Failed,
    /// The writer has ended.
    #[error("the record is closed")]
    Closed,
}

type Work = Box<dyn FnOnce(&mut Writer) + Send>;

enum Job {
    Batch(Box<Incoming>, oneshot::Sender<Result<Outcome, RecordBusy>>),
    Work(Work),
}

/// Sends jobs to the writer's thread. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub struct WriterHandle {
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for WriterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterHandle").finish_non_exhaustive()
    }
}

/// Starts the thread.
///
/// # Errors
/// If the system gives no thread.
pub fn start_writer(writer: Writer) -> std::io::Result<(WriterHandle, JoinHandle<()>)> {
    let (jobs, queue) = mpsc::channel(QUEUE);
    let thread = std::thread::Builder::new().name("record".to_owned()).spawn(move || run(writer, queue))?;
    Ok((WriterHandle { jobs }, thread))
}

impl WriterHandle {
    /// Stores a batch; returns once it is durable or refused.
    ///
    /// # Errors
    /// If it could not be stored. Nothing of it was.
    pub async fn ingest(&self, incoming: Incoming) -> Result<Outcome, RecordBusy> {
        let (answer, outcome) = oneshot::channel();
        match self.jobs.try_send(Job::Batch(Box::new(incoming), answer)) {
            Ok(()) => outcome.await.unwrap_or(Err(RecordBusy::Closed)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(RecordBusy::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(RecordBusy::Closed),
        }
    }

    /// Does a piece of work on the writer's thread, from a task. Waits for its turn.
    ///
    /// # Errors
    /// If the writer has ended.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, RecordBusy> {
        let (job, done) = piece(work);
        self.jobs.send(job).await.map_err(|_| RecordBusy::Closed)?;
        done.await.map_err(|_| RecordBusy::Closed)
    }

    /// Like [`work`](Self::work), from a thread that may block.
    ///
    /// # Errors
    /// If the writer has ended.
    pub fn work_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, RecordBusy> {
        self.submit_blocking(work)?.blocking_recv().map_err(|_| RecordBusy::Closed)
    }

    /// Sends a piece of work and does not wait until it is done, only for its place in the queue.
    ///
    /// # Errors
    /// If the writer has ended.
    pub fn submit_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, RecordBusy> {
        let (job, done) = piece(work);
        self.jobs.blocking_send(job).map_err(|_| RecordBusy::Closed)?;
        Ok(done)
    }
}

fn piece<T: Send + 'static>(
    work: impl FnOnce(&mut Writer) -> T + Send + 'static,
) -> (Job, oneshot::Receiver<T>) {
    let (answer, done) = oneshot::channel();
    let job = Job::Work(Box::new(move |writer| {
        tell(answer, work(writer));
    }));
    (job, done)
}

fn run(mut writer: Writer, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        let mut group = Vec::new();
        let mut then = None;
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Batch(incoming, answer) => group.push((incoming, answer)),
                Job::Work(work) => then = Some(work),
            }
            if then.is_none() && group.len() < GROUP {
                next = queue.try_recv().ok();
            }
        }
        if !group.is_empty() {
            store_group(&mut writer, group);
        }
        if let Some(work) = then {
            work(&mut writer);
        }
    }
    if let Err(error) = writer.checkpoint() {
        tracing::warn!(error = %crate::chain(&error), "cannot checkpoint the record at the end");
    }
}

/// Who asked may have gone; what was done stays done.
fn tell<T>(answer: oneshot::Sender<T>, what: T) {
    if answer.send(what).is_err() {
        tracing::debug!("nobody waits for an answer of the record any more");
    }
}

type Waiting = (Box<Incoming>, oneshot::Sender<Result<Outcome, RecordBusy>>);

fn store_group(writer: &mut Writer, mut group: Vec<Waiting>) {
    let stored: Result<Vec<Outcome>, StoreError> =
        writer.transaction(|tx| group.iter_mut().map(|(incoming, _)| store_one(tx, incoming)).collect());
    match stored {
        Ok(outcomes) => {
            for ((_, answer), outcome) in group.into_iter().zip(outcomes) {
                tell(answer, Ok(outcome));
            }
        }
        Err(error) => {
            tracing::error!(error = %crate::chain(&error), batches = group.len(), "batches could not be stored");
            for (_, answer) in group {
                tell(answer, Err(RecordBusy::Failed));
            }
        }
    }
}

fn store_one(tx: &Tx<'_>, incoming: &mut Incoming) -> Result<Outcome, StoreError> {
    let batch = &mut incoming.batch;
    if let Some(from) = incoming.gap_from {
        let next = tx.cursor(&batch.agent, batch.spool)?.map_or(0, |cursor| cursor.next);
        // What the gap holds is told by a record of its own; until that is read, the reason is not known.
        batch.gap = if from <= next { GapPolicy::Accept(model::Missing::Other) } else { GapPolicy::Refuse };
    }
    tx.saw_agent(&incoming.sighting)?;
    tx.ingest(batch)
}
