//! A serial port that never blocks, in the raw mode that RTU needs.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;
use rustix::termios::{
    ControlModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, tcflush, tcgetattr, tcsetattr,
};

use super::bus::{Parity, SerialLine};

/// Opens a line, takes it for this process alone, and forgets what came before.
///
/// # Errors
/// If there is no such file, it is no terminal, another program has it, or it does not know the rate.
pub(super) fn open(line: &SerialLine) -> io::Result<File> {
    // Without NONBLOCK the opening itself would wait for a modem's carrier; NOCTTY: it must not become our terminal.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
    let port = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&line.path)?;
    // Two programs on one line would take each other's answers.
    ioctl_tiocexcl(&port)?;
    let mut mode = tcgetattr(&port)?;
    configure(&mut mode, line)?;
    tcsetattr(&port, OptionalActions::Now, &mode)?;
    forget(&port)?;
    Ok(port)
}

/// Throws away what has come and was not read.
pub(super) fn forget(port: impl AsFd) -> io::Result<()> {
    Ok(tcflush(port, QueueSelector::IFlush)?)
}

fn configure(mode: &mut Termios, line: &SerialLine) -> io::Result<()> {
    mode.make_raw();
    mode.control_modes -=
        ControlModes::PARENB | ControlModes::PARODD | ControlModes::CSTOPB | ControlModes::CRTSCTS;
    // CLOCAL: no modem lines; a line that ends is told by the driver.
    mode.control_modes |= ControlModes::CS8 | ControlModes::CREAD | ControlModes::CLOCAL;
    match line.parity {
        Parity::None => {}
        Parity::Even => mode.control_modes |= ControlModes::PARENB,
        Parity::Odd => mode.control_modes |= ControlModes::PARENB | ControlModes::PARODD,
    }
    if line.stop == 2 {
        mode.control_modes |= ControlModes::CSTOPB;
    }
    mode.set_speed(line.baud)?;
    Ok(())
}
