//! Transfers, from the executive's command to their end.
//!
//! A mover copies the bytes. In an emulated run a transfer ends when the model of the network says
//! so: bytes that are there earlier wait here for that instant.

use super::devices::Order;
use super::{Core, Ending};
use crate::buffers::{Conflict, DiskFault, End, Own, Right};
use crate::clock::Clock;
use crate::crew::{Crew, Turn};
use crate::disks::Pages;
use gpu::HostMemory;
use runtime::{BufferId, CopyId, Input, LinkModel, MemoryId, Ns};
use std::collections::VecDeque;

/// A transfer for a mover.
pub(crate) struct CopyJob {
    pub copy: CopyId,
    pub from: End,
    pub to: End,
    /// When it began; in an emulated run when it was issued.
    pub started_ns: Ns,
    /// Between a disk and a GPU: where the bytes are on their way.
    pub passing: Option<Own>,
}

impl CopyJob {
    /// Copies the bytes; `pages` is memory that the mover keeps, by way of which disks are reached.
    pub fn carry_out(&mut self, pages: &mut Pages) -> Result<(), BadDisk> {
        let reading = |fault| BadDisk { verb: "read from", is_target: false, fault };
        let writing = |fault| BadDisk { verb: "written to", is_target: true, fault };
        match (&mut self.from, &mut self.to) {
            (End::Memory(from), End::Memory(to)) => {
                to.bytes_mut().copy_from_slice(from.bytes());
                Ok(())
            }
            (End::Memory(from), End::Disk(to)) => {
                to.write_from(from.bytes(), pages).map_err(writing)
            }
            (End::Disk(from), End::Memory(to)) => {
                to.bytes_mut().copy_from_slice(from.read(pages).map_err(reading)?);
                Ok(())
            }
            (End::Disk(from), End::Disk(to)) => {
                from.read(pages).map_err(reading)?;
                to.write(pages).map_err(writing)
            }
            (End::Disk(from), End::Device(_)) => {
                let own = self.passing.as_mut().expect("it was made with the transfer");
                own.bytes_mut().copy_from_slice(from.read(pages).map_err(reading)?);
                Ok(())
            }
            (End::Device(_), End::Disk(to)) => {
                let own = self.passing.as_ref().expect("the pilot has filled it");
                to.write_from(own.bytes(), pages).map_err(writing)
            }
            (End::Device(_), _) | (_, End::Device(_)) => unreachable!("these are the pilot's"),
        }
    }
}

/// A disk failed under a transfer.
pub(crate) struct BadDisk {
    verb: &'static str,
    is_target: bool,
    fault: DiskFault,
}

/// The network of an emulated run.
pub(crate) struct Links {
    model: Box<dyn LinkModel>,
    /// By transfer.
    flights: Vec<Flight>,
    /// Up to when the model has been asked. Steps may be stamped earlier: a task's time ends when
    /// its kernel does, not when its worker gets the lock.
    seen_ns: Ns,
    /// Transfers whose bytes are there and whose time has come.
    landed: VecDeque<CopyId>,
}

/// A transfer under way in an emulated run.
#[derive(Default)]
struct Flight {
    /// When the model let it arrive, once it has.
    due_ns: Option<Ns>,
    /// Its bytes, once they are there.
    moved: Option<CopyJob>,
}

impl Links {
    pub fn new(model: Box<dyn LinkModel>) -> Self {
        Self { model, flights: Vec::new(), seen_ns: 0, landed: VecDeque::new() }
    }

    /// The command that the executive gives.
    fn issue(&mut self, now_ns: Ns, copy: CopyId, ends: (MemoryId, MemoryId), bytes: u64) {
        let now_ns = now_ns.max(self.seen_ns);
        self.look(now_ns);
        if self.flights.len() <= copy.index() {
            self.flights.resize_with(copy.index() + 1, Flight::default);
        }
        self.flights[copy.index()] = Flight::default();
        self.model.issue(now_ns, copy, ends.0, ends.1, bytes);
    }

    /// When the next transfer arrives, or changes.
    pub fn next_ns(&mut self) -> Option<Ns> {
        self.model.next_ns()
    }

    /// Notes what has arrived by now.
    fn look(&mut self, now_ns: Ns) {
        self.seen_ns = now_ns;
        while let Some((at_ns, copy)) = self.model.arrive_by(now_ns) {
            let flight = &mut self.flights[copy.index()];
            flight.due_ns = Some(at_ns);
            if flight.moved.is_some() {
                self.landed.push_back(copy);
            }
        }
    }
}

impl Core {
    /// Lends both ends of a transfer and gives it to the movers.
    pub(super) fn start_copy(
        &mut self,
        copy: CopyId,
        (from, to): (BufferId, BufferId),
        (source, target): (MemoryId, MemoryId),
        turn: &mut Turn,
    ) {
        let lent = self.arena.lend_end(from, Right::Read);
        let lent = lent.and_then(|from| Ok((from, self.arena.lend_end(to, Right::Write)?)));
        let (from, to) = match lent {
            Ok(lent) => lent,
            Err(Conflict { buffer }) => {
                return self.end(Ending::Conflict { what: format!("transfer {copy}"), buffer });
            }
        };
        if let Some(links) = &mut self.links {
            let bytes = from.bytes() as u64;
            links.issue(self.now_ns, copy, (source, target), bytes);
            // It may be the next one to arrive.
            turn.is_service_asked = true;
        }
        self.copying += 1;
        let mut job = CopyJob { copy, from, to, started_ns: self.now_ns, passing: None };
        match (&job.from, &job.to) {
            (End::Disk(_), End::Device(loan)) => {
                let (buffer, bytes) = (loan.buffer, loan.bytes);
                job.passing = Own::new(bytes as usize);
                if job.passing.is_none() {
                    let (object, used_bytes) = (self.arena.whose(buffer).0, 0);
                    self.end(Ending::Exhausted { object, bytes, used_bytes });
                    return self.take_back(job);
                }
            }
            (End::Device(_), _) | (_, End::Device(_)) => return self.order_copy(job, turn),
            _ => {}
        }
        self.copies.push_back(job);
        turn.new_copies += 1;
    }

    /// A transfer that will not be carried out.
    pub(super) fn take_back(&mut self, job: CopyJob) {
        self.copying -= 1;
        self.arena.give_back_end(job.from);
        self.arena.give_back_end(job.to);
    }

    /// The next transfer for a mover, and how many wait behind it.
    pub fn next_copy(&mut self, clock: &Clock) -> (Option<CopyJob>, usize) {
        let mut job = self.copies.pop_front();
        if self.links.is_none()
            && let Some(job) = &mut job
        {
            job.started_ns = clock.now_ns();
        }
        (job, self.copies.len())
    }

    /// A mover has copied the bytes.
    pub fn copy_moved(&mut self, crew: &Crew, job: CopyJob, turn: &mut Turn) {
        let now_ns = crew.clock.now_ns();
        if let End::Device(_) = job.to {
            // The rest of the way is the pilot's.
            return match self.ending {
                None => self.order_copy(job, turn),
                Some(_) => self.copy_ended(crew, now_ns, job, turn),
            };
        }
        let Some(links) = self.links.as_mut().filter(|_| self.ending.is_none()) else {
            return self.copy_ended(crew, now_ns, job, turn);
        };
        let flight = &mut links.flights[job.copy.index()];
        match flight.due_ns {
            Some(due_ns) => {
                crew.note_transfer(now_ns, due_ns);
                self.copy_ended(crew, now_ns, job, turn);
            }
            None => flight.moved = Some(job),
        }
    }

    /// A mover could not copy the bytes: the run ends.
    pub fn copy_failed(&mut self, crew: &Crew, job: CopyJob, bad: BadDisk, turn: &mut Turn) {
        let end = if bad.is_target { &job.to } else { &job.from };
        if let End::Disk(loan) = end {
            let (object, memory) = self.arena.whose(loan.buffer());
            self.end(Ending::Disk { verb: bad.verb, object, memory, fault: bad.fault });
        }
        self.copy_ended(crew, crew.clock.now_ns(), job, turn);
    }

    /// Brings transfers whose time has come to the executive.
    pub(super) fn land(&mut self, crew: &Crew, turn: &mut Turn) {
        while let Some(links) = &mut self.links {
            let now_ns = crew.clock.now_ns().max(self.now_ns);
            links.look(now_ns);
            let Some(copy) = links.landed.pop_front() else { return };
            let flight = &mut links.flights[copy.index()];
            let Some(job) = flight.moved.take() else { continue };
            // The bytes were there in time.
            crew.note_transfer(0, 0);
            self.copy_ended(crew, now_ns, job, turn);
        }
    }

    /// A transfer's end.
    pub(super) fn copy_ended(&mut self, crew: &Crew, at_ns: Ns, job: CopyJob, turn: &mut Turn) {
        let CopyJob { copy, from, to, started_ns, .. } = job;
        self.arena.give_back_end(from);
        self.arena.give_back_end(to);
        self.copying -= 1;
        match self.ending {
            None => self.step(crew, at_ns, Input::Copied { copy, started_ns }, turn),
            Some(_) => self.check_end(turn),
        }
    }

    /// Takes back transfers that no mover has begun, and those that only wait for their time.
    pub(super) fn drop_copies(&mut self) {
        let moved = self.links.iter_mut().flat_map(|l| &mut l.flights);
        let moved = moved.filter_map(|flight| flight.moved.take());
        let orders = self.desk.iter_mut().flat_map(|desk| desk.orders.extract_if(.., is_copy));
        let ordered = orders.filter_map(|order| match order {
            Order::Copy(job) => Some(job),
            _ => None,
        });
        let all: Vec<CopyJob> = self.copies.drain(..).chain(moved).chain(ordered).collect();
        all.into_iter().for_each(|job| self.take_back(job));
    }
}

fn is_copy(order: &mut Order) -> bool {
    matches!(order, Order::Copy(_))
}
