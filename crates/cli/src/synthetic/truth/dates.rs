//! Days as `YYYY-MM-DD`.

/// A day.
pub(super) mod day {
    use chrono::NaiveDate;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(day: &NaiveDate, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(day)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<NaiveDate, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(|_| D::Error::custom("not a day"))
    }
}

/// A day that may be missing.
pub(super) mod optional {
    use chrono::NaiveDate;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        day: &Option<NaiveDate>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => output.collect_str(day),
            None => output.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<NaiveDate>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        text.map(|text| text.parse().map_err(|_| D::Error::custom("not a day")))
            .transpose()
    }
}
