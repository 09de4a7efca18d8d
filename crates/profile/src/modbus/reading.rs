//! One value of a Modbus device.

use std::sync::Arc;
use std::time::Duration;

use model::{Channel, Decimal, Encoding, Quantity, Raw, Side, Unit};

use crate::conversion::times_power;
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
    /// Which file, for [`Function::FileRecord`]; 0 for all else.
    pub file: u16,
    /// Address on the wire, from 0; of a file, the record number.
    pub register: u16,
    /// What it looks like.
    pub data_type: DataType,
    /// In which order its bytes come.
    pub order: Order,
    /// Values that follow each other and are added up: 2 for a total of two tariffs. 1 for all else.
    pub terms: u16,
    /// The register's number times this is a number in `unit`.
    pub scale: Decimal,
    /// What is added after scaling, in `unit`: 0 but for gauges that count from elsewhere (0.1 K from 0 K).
    pub offset: Decimal,
    /// The unit after scaling.
    pub unit: Unit,
    /// Register with a power of ten (i16, SunSpec `sunssf`) by which the number is multiplied as well. It comes with the
    /// same request as the value.
    pub scale_register: Option<u16>,
    /// The smallest power of ten in `scale_register` that can be told exactly; raw values are in steps of it. A smaller
    /// one that has significant digits below it makes the value [`Missing::OutOfRange`](model::Missing::OutOfRange).
    pub scale_finest: i8,
    /// The power of ten that the simulator shows in `scale_register`.
    pub scale_usual: i8,
    /// The bits of the register that are meant, 0 for all; the value is what they are, moved down to bit 0.
    pub mask: u64,
    /// What the values of a state are called, in the order of the profile.
    pub names: Arc<[(i64, String)]>,
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
            file: 0,
            register,
            data_type,
            order: Order::Abcd,
            terms: 1,
            scale,
            offset: Decimal::new(0, 0),
            unit,
            scale_register: None,
            scale_finest: 0,
            scale_usual: 0,
            mask: 0,
            names: Arc::from([]),
            sentinels: Vec::new(),
            wraps_at_register: None,
            side: Side::Primary,
            special: Special::None,
            conversion: number(data_type, scale, unit).conversion(quantity)?,
        })
    }

    /// The same with another scale and unit.
    ///
    /// # Errors
    /// If they do not make the quantity.
    pub fn scaled(mut self, scale: Decimal, unit: Unit) -> Result<Self, ConversionError> {
        let number = Number {
            data_type: self.data_type,
            scale,
            offset: self.offset,
            unit,
            finest: self.scale_register.map(|_| self.scale_finest),
        };
        self.conversion = number.conversion(self.quantity)?;
        (self.scale, self.unit) = (scale, unit);
        Ok(self)
    }

    /// The same with a scale factor in another register: the smallest power of ten that is told exactly, and the one
    /// that the simulator shows.
    ///
    /// # Errors
    /// If the scale becomes impossible by it, or the value is a float.
    pub fn with_scale_register(
        mut self,
        register: u16,
        finest: i8,
        usual: i8,
    ) -> Result<Self, ConversionError> {
        self.scale_register = Some(register);
        (self.scale_finest, self.scale_usual) = (finest, usual);
        let (scale, unit) = (self.scale, self.unit);
        self.scaled(scale, unit)
    }

    /// Registers (or bits) that it takes.
    pub const fn words(&self) -> u16 {
        self.data_type.words() * self.terms
    }

    /// Address after its last register; up to 65 536.
    pub fn end(&self) -> u32 {
        u32::from(self.register) + u32::from(self.words())
    }

    /// Addresses of the first and after the last register that a request for it must hold: its scale factor included.
    pub fn span(&self) -> (u16, u32) {
        match self.scale_register {
            Some(factor) => (self.register.min(factor), self.end().max(u32::from(factor) + 1)),
            None => (self.register, self.end()),
        }
    }

    /// What a value is called, if the profile says so: `2` is `on battery`.
    pub fn name_of(&self, raw: Raw) -> Option<&str> {
        let Raw::Integer(raw) = raw else { return None };
        self.names.iter().find(|(value, _)| *value == raw).map(|(_, name)| name.as_str())
    }

    /// `fc3 19068 f32 abcd`. A sum says of how many values (`fc3 801 f64 abcd x2`), a scale factor where it stands
    /// (`fc3 40087 i16 abcd sf 40091`), flags which bits they are (`fc3 8 u16 abcd mask 0x10`), files their number
    /// before the record (`fc20 4:100 u32 abcd`).
    pub fn source(&self) -> String {
        let code = self.function.code();
        let file = if self.function.reads_files() { format!("{}:", self.file) } else { String::new() };
        let terms = if self.terms == 1 { String::new() } else { format!(" x{}", self.terms) };
        let factor = self.scale_register.map(|factor| format!(" sf {factor}")).unwrap_or_default();
        let mask = if self.mask == 0 { String::new() } else { format!(" mask {:#x}", self.mask) };
        let (register, data_type, order) = (self.register, self.data_type, self.order);
        format!("fc{code} {file}{register} {data_type} {order}{terms}{factor}{mask}")
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

    /// The largest number that the register, or its bits that are meant, can hold; `None` for floats.
    pub(super) fn largest(&self) -> Option<i64> {
        match self.mask {
            0 => self.data_type.largest(),
            mask => i64::try_from(mask >> mask.trailing_zeros()).ok(),
        }
    }

    pub(super) const fn may_be_negative(&self) -> bool {
        self.mask == 0 && self.data_type.may_be_negative()
    }

    /// Smallest step in raw steps; a scale factor in another register is taken to be the usual one.
    fn resolution(&self) -> u32 {
        let factor = match self.scale_register {
            _ if self.data_type.is_float() => return 0,
            Some(_) => self.scale_usual.saturating_sub(self.scale_finest).max(0).unsigned_abs(),
            None => 0,
        };
        10u32.saturating_pow(u32::from(factor)).saturating_mul(self.conversion.resolution())
    }

    /// All that the collector is to know.
    pub fn shape(&self) -> SeriesShape {
        SeriesShape {
            quantity: self.quantity,
            channel: self.channel.clone(),
            encoding: self.encoding(),
            exponent: self.exponent(),
            wraps_at: self.wraps_at(),
            resolution: self.resolution(),
            side: self.side,
            source: self.source(),
        }
    }
}

/// How the number in a register is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) data_type: DataType,
    pub(super) scale: Decimal,
    pub(super) offset: Decimal,
    pub(super) unit: Unit,
    /// If there is a scale factor in another register: the smallest that is told exactly.
    pub(super) finest: Option<i8>,
}

const fn number(data_type: DataType, scale: Decimal, unit: Unit) -> Number {
    Number { data_type, scale, offset: Decimal::new(0, 0), unit, finest: None }
}

impl Number {
    pub(super) fn conversion(self, quantity: Quantity) -> Result<Conversion, ConversionError> {
        let plain = self.offset.mantissa() == 0 && self.finest.is_none();
        match (self.data_type.is_float(), plain) {
            (true, true) => Conversion::for_float(quantity, self.scale, self.unit),
            (true, false) => Err(ConversionError::FloatOnly),
            (false, _) => {
                let scale = times_power(self.scale, self.finest.unwrap_or(0));
                Conversion::new(quantity, scale, self.unit)?.plus(quantity, self.offset, self.unit)
            }
        }
    }
}
