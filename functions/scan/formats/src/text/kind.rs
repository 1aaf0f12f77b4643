//! The kind of a text by its beginning.

use crate::pdf;
use airlock_content::members::ENCODED_SCRIPT;

pub(crate) const PLAIN: &str = "text/plain";

/// The kind of text that starts like this, by the beginnings that make browsers, shells and Office run or render it.
pub(crate) fn kind(beginning: &str) -> &'static str {
    // Some interpreters skip blank lines and comments.
    let mut start = beginning.trim_start();
    while let Some((_, rest)) = start.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
        start = rest.trim_start();
    }
    let lower: String = start.chars().take(256).collect::<String>().to_ascii_lowercase();
    let starts_tag = |tag: &str| {
        lower.strip_prefix(tag).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|next: char| next.is_whitespace() || "/>:[".contains(next))
        })
    };
    const HTML: [&str; 9] =
        ["<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<style", "<title", "<object"];
    if lower.starts_with("%pdf-") {
        pdf::MEDIA_TYPE
    } else if lower.starts_with("<?xml") {
        "application/xml"
    } else if starts_tag("<svg") || starts_tag("<!doctype svg") {
        "image/svg+xml"
    } else if HTML.into_iter().any(starts_tag) {
        "text/html"
    } else if lower.starts_with("<?php") || lower.starts_with("<?=") {
        "application/x-httpd-php"
    } else if lower.starts_with("<%") {
        "application/x-server-page"
    } else if lower.starts_with("#!") {
        "text/x-shellscript"
    } else if lower.starts_with("@echo off") {
        "application/x-bat"
    } else if lower.starts_with("{\\rt") {
        "application/rtf"
    } else if lower.starts_with("%!ps") {
        "application/postscript"
    } else if lower.starts_with("#@~^") {
        ENCODED_SCRIPT
    } else if lower.starts_with("[internetshortcut]") {
        "application/x-mswinurl"
    } else {
        PLAIN
    }
}
