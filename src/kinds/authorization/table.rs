//! The table of routes: keys of a request, and a cell for each identity.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use crate::deployment::http::{Expect, Request, Statuses};
use crate::suite::{Entries, Spanned};

/// Keys of a route that name no identity.
pub(super) const RESERVED: &[&str] = &["query", "headers", "json", "form", "body", "control"];

/// Routes by method and path, or a list of those.
#[derive(Debug)]
pub(super) struct Routes(Entries<Route>);

impl Deref for Routes {
    type Target = Entries<Route>;

    fn deref(&self) -> &Entries<Route> {
        &self.0
    }
}

/// What is sent to a route besides credentials, and what each identity is answered.
#[derive(Debug)]
pub(super) struct Route {
    /// Everything of the request but method and path.
    rest: Request,
    /// Whether somebody must get in.
    pub(super) control: bool,
    pub(super) cells: Entries<Cell>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            rest: Request::default(),
            control: true,
            cells: Entries::default(),
        }
    }
}

impl Route {
    /// The request of the route called `name`.
    pub(super) fn request(&self, name: &str) -> Option<Request> {
        let named = Request::of_route(name, 0..0)?;
        Some(Request {
            query: self.rest.query.clone(),
            headers: self.rest.headers.clone(),
            json: self.rest.json.clone(),
            form: self.rest.form.clone(),
            body: self.rest.body.clone(),
            ..named
        })
    }
}

/// What one identity is answered on one route.
#[derive(Debug)]
pub(super) struct Cell(pub(super) Expect);

impl Cell {
    /// The expected statuses.
    pub(super) fn statuses(&self) -> Statuses {
        let stated = self.0.status.as_ref();
        stated.map_or_else(Statuses::success, |statuses| (**statuses).clone())
    }

    pub(super) fn accepts(&self, status: u16) -> bool {
        self.statuses().contains(status)
    }

    /// Whether something is expected of the body.
    pub(super) fn looks_inside(&self) -> bool {
        let Expect {
            json,
            body,
            size,
            schema,
            ..
        } = &self.0;
        !json.is_empty() || body.is_some() || size.is_some() || schema.is_some()
    }

    /// Whether the identity gets past the guard: a body that is found wanting was read.
    pub(super) fn lets_in(&self) -> bool {
        self.statuses().codes().all(is_in)
    }
}

/// Whether somebody who is answered with `status` got past the guard.
pub(super) fn is_in(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 409 | 413 | 415 | 422)
}

impl<'de> Deserialize<'de> for Routes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RoutesVisitor)
    }
}

struct RoutesVisitor;

impl<'de> Visitor<'de> for RoutesVisitor {
    type Value = Routes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of routes, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Routes, A::Error> {
        Entries::deserialize(MapAccessDeserializer::new(map)).map(Routes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Routes, A::Error> {
        let mut routes = Vec::new();
        while let Some(name) = items.next_element::<Spanned<String>>()? {
            let span = name.span();
            routes.push((name.into_inner(), Spanned::new(span, Route::default())));
        }
        Ok(Routes(routes.into_iter().collect()))
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RouteVisitor)
    }
}

struct RouteVisitor;

impl<'de> Visitor<'de> for RouteVisitor {
    type Value = Route;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of identities and statuses such as { admin = 200, none = 401 }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Route, A::Error> {
        let mut route = Route::default();
        let mut cells = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "query" => route.rest.query = map.next_value()?,
                "headers" => route.rest.headers = map.next_value()?,
                "json" => route.rest.json = Some(map.next_value()?),
                "form" => route.rest.form = map.next_value()?,
                "body" => route.rest.body = Some(map.next_value()?),
                "control" => route.control = map.next_value()?,
                _ => cells.push((key, map.next_value::<Spanned<Cell>>()?)),
            }
        }
        route.cells = cells.into_iter().collect();
        Ok(route)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl CellVisitor {
    fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
        let status = Some(Spanned::new(0..0, Statuses::deserialize(deserializer)?));
        Ok(Cell(Expect {
            status,
            ..Expect::default()
        }))
    }
}

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status such as 200, \"2xx\" or [403, 404], or a table of expectations")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cell, E> {
        Self::status(number.into_deserializer())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cell, E> {
        Self::status(text.into_deserializer())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Cell, A::Error> {
        Self::status(SeqAccessDeserializer::new(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell, A::Error> {
        Expect::deserialize(MapAccessDeserializer::new(map)).map(Cell)
    }
}

impl JsonSchema for Cell {
    fn schema_name() -> Cow<'static, str> {
        "Answered".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Expect>();
        json_schema!({
            "description": "200, \"2xx\", a list of those, or a table of expectations",
            "anyOf": [{ "type": ["integer", "string", "array"] }, table]
        })
    }
}

impl JsonSchema for Route {
    fn schema_name() -> Cow<'static, str> {
        "Route".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let cell = generator.subschema_for::<Cell>();
        json_schema!({
            "type": "object",
            "properties": {
                "query": { "type": "object" }, "headers": { "type": "object" }, "json": true,
                "form": { "type": "object" }, "body": { "type": "string" }, "control": { "type": "boolean" }
            },
            "additionalProperties": cell
        })
    }
}

impl JsonSchema for Routes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Routes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let route = generator.subschema_for::<Route>();
        json_schema!({ "anyOf": [
            { "type": "object", "additionalProperties": route },
            { "type": "array", "items": { "type": "string" } },
            { "type": "string", "description": "a template that gives a list" }
        ] })
    }
}
