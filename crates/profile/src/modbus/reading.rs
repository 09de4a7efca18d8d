//! One value of a Modbus device.

use std::time::Duration;

use model::{Channel, Decimal, Encoding, Quantity, Side, Unit};

use crate::{Conversion, ConversionError, DataType, Function, Order, SeriesShape};

/// What a device bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most registers that one request may ask for; 125 by the specification.
    pub max_registers: u16,
    /// The most registers between two values that may be read although nobody wants them; 0 for devices that refuse
    /// ranges with undefined registers.
    pub gap: u16,
    /// Requests that may be under way at once; more than 1 only for devices that are known to bear it.
    pub in_flight: u8,
    /// Rest between an answer and the next request.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_registers: 125, gap: 0, in_flight: 1, pause: Duration::ZERO }
    }
}

/// What is special about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Special {
    /// Nothing.
    #[default]
    None,
    /// Power factor in the four-quadrant form of Schneider Electric: above 1 the current leads and the value is
    /// 2 - x, below -1 it is -2 - x.
    FourQuadrant,
}

/// One value of a Modbus device: where it lies, what it looks like, what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModbusReading {
    /// What is measured.
    pub quantity: Quantity,
    /// At which part of the device.
    pub channel: Channel,
    /// By which function it is read.
    pub function: Function,
    /// Address on the wire, from 0.
    pub register: u16,
    /// What it looks like.
    pub data_type: DataType,
    /// In which order its bytes come.
    pub order: Order,
    /// Values that follow each other and are added up: 2 for a total of two tariffs. 1 for all else.
    pub terms: u16,
    /// The register's number times this is a number in `unit`.
    pub scale: Decimal,
    /// The unit after scaling.
    pub unit: Unit,
    /// Bit patterns that say "no value", right-aligned.
    pub sentinels: Vec<u64>,
    /// Register steps after which a counter begins again at 0, if the maker says so.
    pub wraps_at_register: Option<u64>,
    /// On which side of the instrument transformers it counts.
    pub side: Side,
    /// What is special about it.
    pub special: Special,
    pub(super) conversion: Conversion,
}

impl ModbusReading {
    /// A reading of `quantity` at `channel`, read by function 3 as a plain number in the canonical unit; the other
    /// fields are set afterwards, `scale` and `unit` by [`scaled`](Self::scaled).
    ///
    /// # Errors
    /// Never for the types there are; the conversion of a canonical unit to itself is one.
    pub fn new(
        quantity: Quantity,
        channel: Channel,
        register: u16,
        data_type: DataType,
    ) -> Result<Self, ConversionError> {
        let (scale, unit) = (Decimal::ONE, quantity.unit());
        Ok(Self {
            quantity,
            channel,
            function: Function::Holding,
            register,
            data_type,
            order: Order::Abcd,
            terms: 1,
            scale,
            unit,
            sentinels: Vec::new(),
            wraps_at_register: None,
            side: Side::Primary,
            special: Special::None,
            conversion: conversion(quantity, data_type, scale, unit)?,
        })
    }

    /// The same with another scale and unit.
    ///
    /// # Errors
    /// If they do not make the quantity.
    pub fn scaled(mut self, scale: Decimal, unit: Unit) -> Result<Self, ConversionError> {
        self.conversion = conversion(self.quantity, self.data_type, scale, unit)?;
        (self.scale, self.unit) = (scale, unit);
        Ok(self)
    }

    /// Registers (or bits) that it takes.
    pub const fn words(&self) -> u16 {
        self.data_type.words() * self.terms
    }

    /// Address after its last register; up to 65 536.
    pub fn end(&self) -> u32 {
        u32::from(self.register) + u32::from(self.words())
    }

    /// `fc3 19068 f32 abcd`; a sum says of how many values: `fc3 801 f64 abcd x2`.
    pub fn source(&self) -> String {
        let (code, register) = (self.function.code(), self.register);
        let plain = format!("fc{code} {register} {} {}", self.data_type, self.order);
        if self.terms == 1 { plain } else { format!("{plain} x{}", self.terms) }
    }

    /// How raw values are held.
    pub const fn encoding(&self) -> Encoding {
        match self.data_type {
            DataType::F32 => Encoding::Float32,
            DataType::F64 => Encoding::Float64,
            _ => Encoding::Integer,
        }
    }

    /// Power of ten that makes a raw value one in the quantity's canonical unit.
    pub const fn exponent(&self) -> i8 {
        self.conversion.exponent()
    }

    /// Raw steps after which a counter begins again at 0. Not known for a sum, whose terms wrap one by one.
    pub fn wraps_at(&self) -> Option<u64> {
        let register = self.wraps_at_register.filter(|_| self.terms == 1)?;
        self.conversion.raw_steps(register)
    }

    /// All that the collector is to know.
    pub fn shape(&self) -> SeriesShape {
        SeriesShape {
            quantity: self.quantity,
            channel: self.channel.clone(),
            encoding: self.encoding(),
            exponent: self.exponent(),
            wraps_at: self.wraps_at(),
            resolution: if self.data_type.is_float() { 0 } else { self.conversion.resolution() },
            side: self.side,
            source: self.source(),
        }
    }
}

pub(super) fn conversion(
    quantity: Quantity,
    data_type: DataType,
    scale: Decimal,
    unit: Unit,
) -> Result<Conversion, ConversionError> {
    if data_type.is_float() {
        Conversion::for_float(quantity, scale, unit)
    } else {
        Conversion::new(quantity, scale, unit)
    }
}
