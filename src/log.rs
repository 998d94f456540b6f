//! Where log lines go: into a queue that a thread of its own writes out. A log that nobody reads, or
//! that is closed, neither stops the product nor fails a request: what finds no room is dropped,
//! counted, and the count is logged once lines are taken again.
use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Bytes that wait to be written; past them lines are dropped.
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// How long the writer lets lines gather before it writes them: under load it would otherwise be woken for
/// each, which costs more than writing it.
const GATHER: Duration = Duration::from_millis(10);

/// Since the process began; `portico_log_lines_dropped_total`.
static DROPPED: AtomicU64 = AtomicU64::new(0);

pub fn dropped_lines() -> u64 {
    DROPPED.load(Relaxed)
}

/// Takes a line a `write`, and never waits. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<Inside>);

#[derive(Default)]
struct Inside {
    queue: Mutex<Queue>,
    arrived: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    /// Not reported yet.
    dropped: u64,
}

impl Log {
    /// Starts the thread that writes to `to`.
    pub fn to(mut to: impl Write + Send + 'static) -> io::Result<Self> {
        let log = Self(Arc::default());
        let inside = log.0.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                inside.write_next(&mut to);
            }
        })?;
        Ok(log)
    }

    /// Returns once everything is written, or after `patience`.
    pub fn flush(&self, patience: Duration) {
        let queue = self.0.queue();
        let waiting = |queue: &mut Queue| !queue.lines.is_empty() || queue.is_writing;
        drop(self.0.written.wait_timeout_while(queue, patience, waiting));
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut queue = self.0.queue();
        if queue.bytes + line.len() > WAITING_BYTES {
            queue.dropped += 1;
            DROPPED.fetch_add(1, Relaxed);
        } else {
            queue.bytes += line.len();
            queue.lines.push_back(line.to_vec());
            if queue.lines.len() == 1 {
                self.0.arrived.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inside {
    /// Never held while something is written.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_next(&self, to: &mut impl Write) {
        let is_empty = |queue: &mut Queue| queue.lines.is_empty();
        drop(self.arrived.wait_while(self.queue(), is_empty));
        std::thread::sleep(GATHER);
        let mut queue = self.queue();
        let lines = std::mem::take(&mut queue.lines);
        queue.is_writing = true;
        drop(queue);
        let mut lost = 0;
        for line in lines {
            // Closed, or the disk is full: as good as dropped.
            lost += u64::from(to.write_all(&line).and_then(|()| to.flush()).is_err());
            self.queue().bytes -= line.len();
        }
        DROPPED.fetch_add(lost, Relaxed);
        let mut queue = self.queue();
        queue.is_writing = false;
        queue.dropped += lost;
        let dropped = if lost == 0 { std::mem::take(&mut queue.dropped) } else { 0 };
        drop(queue);
        self.written.notify_all();
        if dropped > 0 {
            tracing::warn!(lines = dropped, "log lines were dropped: they were not read in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A pipe whose reader takes what it is asked to take.
    struct Pipe {
        may_write: mpsc::Receiver<()>,
        written: mpsc::Sender<usize>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may_write.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.written.send(bytes.len()).ok();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_takes_four_megabytes_and_never_waits() {
        let ((read, may_write), (written, lines)) = (mpsc::channel(), mpsc::channel());
        let mut log = Log::to(Pipe { may_write, written }).unwrap();
        let line = vec![b'x'; 1024];

        for _ in 0..5000 {
            log.write_all(&line).unwrap();
        }

        let queue = log.0.queue();
        assert_eq!((queue.bytes, queue.dropped), (WAITING_BYTES, 5000 - 4096));
        drop(queue);
        log.flush(Duration::from_millis(10));
        drop(read);
        log.flush(Duration::from_secs(10));
        assert_eq!(
            (lines.try_iter().count(), log.0.queue().bytes),
            (0, 0),
            "all of it lost, none of it kept"
        );
        assert_eq!(log.0.queue().dropped, 5000);
    }

    #[test]
    fn what_is_read_again_arrives_in_order() {
        let ((read, may_write), (written, lines)) = (mpsc::channel(), mpsc::channel());
        let mut log = Log::to(Pipe { may_write, written }).unwrap();
        for length in 1..=100 {
            log.write_all(&vec![b'x'; length]).unwrap();
            read.send(()).unwrap();
        }

        log.flush(Duration::from_secs(10));

        assert!(lines.try_iter().eq(1..=100));
    }
}
