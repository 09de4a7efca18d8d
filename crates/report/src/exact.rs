//! Amounts and instants as text in the sealed facts: exact, with their unit in the field's name, readable by people.

/// Makes a module for `#[serde(with = "...")]` over an optional whole amount: a decimal in the unit shown, or null.
macro_rules! amount_as_text {
    ($name:ident, $amount:ty, $get:ident, $from:ident, $exponent:literal) => {
        pub(crate) mod $name {
            use model::Decimal;
            use serde::de::Error;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
            pub(crate) fn serialize<S: Serializer>(
                amount: &Option<$amount>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                amount.map(|amount| Decimal::new(amount.$get(), $exponent)).serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$amount>, D::Error> {
                let decimal = Option::<Decimal>::deserialize(deserializer)?;
                let whole = |decimal: Decimal| {
                    let shift = u32::try_from(i32::from(decimal.exponent()) - $exponent).ok()?;
                    decimal.mantissa().checked_mul(10i64.checked_pow(shift)?).map(<$amount>::$from)
                };
                decimal
                    .map(|decimal| {
                        whole(decimal)
                            .ok_or_else(|| D::Error::custom("amount is finer or larger than can be held"))
                    })
                    .transpose()
            }
        }
    };
}

amount_as_text!(kwh, model::Energy, milliwatt_hours, from_milliwatt_hours, -6);
amount_as_text!(kg, model::CarbonMass, milligrams, from_milligrams, -6);

/// `#[serde(with = "instant")]`: RFC 3339 in UTC.
pub(crate) mod instant {
    use model::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(instant)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        calendar::instant_from_rfc3339(&text).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "span")]`: both ends in RFC 3339, the second one outside.
pub(crate) mod span {
    use model::Period;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Ends {
        #[serde(with = "super::instant")]
        from: model::Timestamp,
        #[serde(with = "super::instant")]
        to: model::Timestamp,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(period: &Period, serializer: S) -> Result<S::Ok, S::Error> {
        Ends { from: period.from, to: period.to }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Period, D::Error> {
        Ends::deserialize(deserializer).map(|ends| Period::new(ends.from, ends.to))
    }
}
