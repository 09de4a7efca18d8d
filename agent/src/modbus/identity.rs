//! Who a device says it is: the objects of function 43, interface 14 (MODBUS Application Protocol V1.1b3, 6.21).

/// "More follows".
const MORE: u8 = 0xff;

/// One answer to an identification, of which there may be several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The object to go on with, if there are more.
    pub(super) next: Option<u8>,
    /// Objects with their numbers.
    pub(super) objects: Vec<(u8, Vec<u8>)>,
}

impl Part {
    /// From access code on: access, conformity, more, next, how many, and the objects.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [_, _, more, next, count, rest @ ..] = bytes else { return None };
        let (mut objects, mut rest) = (Vec::new(), rest);
        for _ in 0..*count {
            let [id, length, tail @ ..] = rest else { return None };
            let (value, tail) = tail.split_at_checked(usize::from(*length))?;
            objects.push((*id, value.to_vec()));
            rest = tail;
        }
        // A device that points back or at nothing would be asked for ever.
        let last = objects.last().map(|(id, _)| *id);
        let next = Some(*next).filter(|next| *more == MORE && last.is_some_and(|last| *next > last));
        Some(Self { next, objects })
    }
}

/// The objects of a device's identification, by number: 0 maker, 1 product code, 2 revision, 3 address of the maker,
/// 4 product name, 5 model name, 6 name of the application, from 0x80 on the maker's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identification {
    /// Numbers with what they say, as it came.
    pub objects: Vec<(u8, Vec<u8>)>,
}

impl Identification {
    /// What an object says, without blanks around it and without what cannot be printed; `None` if it says nothing.
    pub fn text(&self, object: u8) -> Option<String> {
        let (_, bytes) = self.objects.iter().find(|(id, _)| *id == object)?;
        let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn add(&mut self, part: Part) {
        self.objects.extend(part.objects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn objects_are_read_and_more_is_asked_for_only_further_on() {
        let part = Part::read(&[1, 1, 0xff, 2, 2, 0, 2, b'A', b'B', 1, 1, b'C']).unwrap();
        assert_eq!(part.next, Some(2));
        assert_eq!(part.objects, [(0, b"AB".to_vec()), (1, b"C".to_vec())]);
        assert_eq!(Part::read(&[1, 1, 0xff, 1, 2, 0, 0, 1, 0]).unwrap().next, None, "it points back");
        assert_eq!(Part::read(&[1, 1, 0, 2, 1, 0, 0]).unwrap().next, None, "no more follows");
        assert_eq!(Part::read(&[1, 1, 0, 0, 1, 0, 9, b'A']), None, "an object is longer than what came");
    }

    #[test]
    fn a_text_is_printable_or_nothing() {
        let id = Identification { objects: vec![(0, b" ACME\0\0".to_vec()), (1, vec![0, 0])] };
        assert_eq!((id.text(0).as_deref(), id.text(1), id.text(2)), (Some("ACME"), None, None));
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(part) = Part::read(&bytes) {
                prop_assert!(part.objects.len() <= 255);
            }
        }
    }
}
