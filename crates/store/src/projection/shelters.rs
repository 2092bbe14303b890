//! Which households and dwellings shelter somebody whose whereabouts are protected.
//!
//! A reader must learn that somebody in the same dwelling is protected without reading everybody who lives there. So
//! every card of a person of whom any card tells of a protection leaves a row under the tokens of its households and
//! dwellings; a reader asks for these rows, finds none as a rule, and otherwise looks at the cards behind them, which
//! say on which days. Cards that are shown to nobody count too: a sealed identity that was protected still is.

use registry::identifier::{PersonId, RecordId};
use registry::measure::SharedPlace;
use registry::record::Record;

use crate::keys::token::Token;
use crate::projection::{Card, Projection, ProjectionError, published_card};
use crate::rows::{CommitSequence, Lead, Version};

impl Projection {
    /// Tokens of every household and dwelling that a card names, each once.
    pub(crate) fn places_of(&self, card: &Record) -> Vec<Token> {
        let mut tokens: Vec<Token> = SharedPlace::named_by(card)
            .filter_map(|place| self.place_token(card, &place))
            .collect();
        tokens.sort_unstable_by_key(|token| *token.as_bytes());
        tokens.dedup();
        tokens
    }

    /// Every card of a person, as a reader at `visible` sees it: the one that bears its id, where it is still linked to
    /// it, and the others; withdrawn cards are left out, but for the one that bears the id.
    pub(crate) fn cards_of_person(
        &self,
        person: PersonId,
        visible: CommitSequence,
    ) -> Result<Vec<RecordId>, ProjectionError> {
        let mut cards = Vec::new();
        let first = RecordId(person.0);
        if self
            .card_at(first, visible)?
            .is_some_and(|card| card.person == person)
        {
            cards.push(first);
        }
        let others = self.cards_of(Lead::Person(person), visible)?;
        cards.extend(others.into_iter().filter(|other| *other != first));
        Ok(cards)
    }

    /// A card as its municipality published it, for asking whom it shelters: it may be shown to nobody.
    pub(crate) fn sheltering_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Record>, ProjectionError> {
        Ok(self.held_at(record, visible)?.and_then(Card::into_sheltering))
    }

    /// Every card that was ever linked to a person, the one that bears its id first.
    pub(crate) fn ever_linked(&self, person: PersonId) -> Result<Vec<RecordId>, ProjectionError> {
        let mut cards = vec![RecordId(person.0)];
        cards.extend(self.ever_led(Lead::Person(person))?);
        Ok(cards)
    }

    /// Moves the rows of the card itself, and of the other cards of its persons before and after where they became
    /// protected or ceased to be.
    pub(super) fn move_shelters(
        &self,
        record: RecordId,
        before: Option<&Version>,
        after: &Version,
    ) -> Result<(), ProjectionError> {
        let sequence = after.sequence;
        let old = before.map(published_card).transpose()?.flatten();
        let new = published_card(after)?;
        let tells = |card: &Option<Record>| card.as_ref().is_some_and(Record::ever_protected);
        let earlier = match (before, &old) {
            (Some(before), Some(card)) if self.is_protected(before.person, sequence.before())? => {
                self.sheltered(card)
            }
            _ => Vec::new(),
        };
        let now = match &new {
            Some(card) if self.is_protected(after.person, sequence)? => self.sheltered(card),
            Some(_) | None => Vec::new(),
        };
        self.move_leads(record, sequence, &earlier, &now)?;
        if !tells(&old) && !tells(&new) {
            return Ok(());
        }
        self.reshelter(record, after.person, sequence)?;
        match before {
            Some(before) if before.person != after.person => self.reshelter(record, before.person, sequence),
            Some(_) | None => Ok(()),
        }
    }

    /// The other cards of a person follow where its protection began or ended with this change.
    fn reshelter(
        &self,
        record: RecordId,
        person: PersonId,
        sequence: CommitSequence,
    ) -> Result<(), ProjectionError> {
        let (was, is) = (
            self.is_protected(person, sequence.before())?,
            self.is_protected(person, sequence)?,
        );
        if was == is {
            return Ok(());
        }
        for other in self.cards_of_person(person, sequence)? {
            if other == record {
                continue;
            }
            let Some(card) = self.sheltering_at(other, sequence)? else {
                continue;
            };
            let places = self.sheltered(&card);
            let (before, after): (&[Lead], &[Lead]) = if is { (&[], &places) } else { (&places, &[]) };
            self.move_leads(other, sequence, before, after)?;
        }
        Ok(())
    }

    /// Whether any card of a person tells of a protection, whatever its days.
    pub(super) fn is_protected(&self, person: PersonId, at: CommitSequence) -> Result<bool, ProjectionError> {
        Ok(!self.cards_of(Lead::Protected(person), at)?.is_empty())
    }

    fn sheltered(&self, card: &Record) -> Vec<Lead> {
        self.places_of(card).into_iter().map(Lead::Sheltered).collect()
    }
}
