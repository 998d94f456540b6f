// The menus close as people expect, a form that leads to Stripe is sent once, and a page that htmx
// had to replace as a whole is read from its start.
const open = () => document.querySelectorAll("details[name=top][open]");

addEventListener("click", (e) => open().forEach((d) => d.contains(e.target) || (d.open = false)));
addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  open().forEach((d) => {
    d.open = false;
    d.querySelector("summary").focus();
  });
});

addEventListener("submit", (e) => {
  if (!e.target.matches(".away")) return;
  if (e.target.classList.contains("busy")) e.preventDefault();
  e.target.classList.add("busy");
});
addEventListener("pageshow", () => document.querySelectorAll(".busy").forEach((f) => f.classList.remove("busy")));
addEventListener("htmx:afterSwap", (e) => e.detail.target === document.body && document.querySelector("main").focus());
