// Numbers, sizes and times as people read them in the page's language.

import { currentLanguage } from "./shared/language.js";

const locale = () => (currentLanguage() === "zh" ? "zh-CN" : "en");

export const number = (value, digits = 0) =>
  value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const percent = (value) => value.toLocaleString(locale(), { style: "percent", maximumFractionDigits: 0 });

const unit = (value, name, digits = 0) =>
  value.toLocaleString(locale(), { style: "unit", unit: name, unitDisplay: "long", maximumFractionDigits: digits });

const SIZES = [[1e9, "GB"], [1e6, "MB"], [1e3, "KB"]];

export function bytes(value) {
  const [size, name] = SIZES.find(([size]) => value >= size) ?? [1, "B"];
  return `${number(value / size, value / size < 10 && size > 1e3 ? 1 : 0)} ${name}`;
}

export function duration(seconds) {
  if (seconds < 90) return unit(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 90 * 60) return unit(Math.round(seconds / 60), "minute");
  return unit(seconds / 3600, "hour", 1);
}

// How long ago; `when` in seconds since 1970 or as ISO 8601.
export function ago(when) {
  const seconds = (typeof when === "number" ? when * 1000 : Date.parse(when)) / 1000 - Date.now() / 1000;
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (seconds > -90) return relative.format(Math.round(Math.min(seconds, 0)), "second");
  if (seconds > -5400) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -22 * 3600) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86400), "day");
}
