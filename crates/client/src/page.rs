//! Lists that come in pages.

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many elements at most, up to 1,000; the index's usual number when absent.
    pub size: Option<u16>,
    /// Where to continue, from the page before; the first page when absent.
    pub after: Option<PageToken>,
}

/// Where a list continues. Only the index that made it, the same caller and the same query can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(String);

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The elements.
    pub items: Vec<T>,
    /// Where the list continues; nothing at its end.
    pub next: Option<PageToken>,
}

impl PageToken {
    /// A token as it was written down by [`Self::as_str`].
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PageRequest {
    pub(crate) fn wire_size(&self) -> i32 {
        self.size.map_or(0, i32::from)
    }

    pub(crate) fn wire_token(&self) -> String {
        self.after
            .as_ref()
            .map(|token| token.0.clone())
            .unwrap_or_default()
    }
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, next_page_token: String) -> Self {
        let next = (!next_page_token.is_empty()).then_some(PageToken(next_page_token));
        Self { items, next }
    }
}
