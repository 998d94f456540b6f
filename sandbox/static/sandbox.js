// Nothing here is needed: choosing a test card fills in its number, and a form is sent once.
for (const field of document.querySelectorAll("input[name=number]")) {
  const form = field.form;
  form.addEventListener("change", (event) => {
    if (event.target.name === "card") field.value = event.target.dataset.spaced;
  });
  field.addEventListener("input", () => {
    const digits = field.value.replace(/\D/g, "");
    for (const card of form.querySelectorAll("input[name=card]")) card.checked = card.value === digits;
  });
}
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.classList.contains("busy")) return event.preventDefault();
  form.classList.add("busy");
});
// Back from where the form led: it may be sent again.
addEventListener("pageshow", () => document.querySelectorAll(".busy").forEach((form) => form.classList.remove("busy")));
