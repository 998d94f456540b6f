// Moves the bar beside a new password while it is typed. It counts length and repetition alone and sends nothing
// anywhere; whether a password is good enough is decided when the form is sent.
const grade = (typed, least) => {
  const letters = [...typed];
  const codes = letters.map((c) => c.codePointAt(0));
  const fresh = codes.filter((c, i) => i === 0 || Math.abs(c - codes[i - 1]) > 1).length;
  const kinds = new Set(letters).size;
  if (!letters.length) return [0, ""];
  if (letters.length < least) {
    const more = least - letters.length;
    return [Math.floor((2 * letters.length) / least), `${more} more character${more === 1 ? "" : "s"}`];
  }
  if (fresh < least / 2 || kinds < 5) return [2, "Long enough, but it repeats itself"];
  return fresh < least || kinds < 8 ? [3, "Long enough"] : [4, "Long enough and varied"];
};

document.querySelectorAll("input[data-least]").forEach((input) => {
  const strength = document.getElementById(`${input.id}-strength`);
  const bar = strength.querySelector("meter");
  const words = strength.querySelector("span");
  input.addEventListener("input", () => {
    const [value, text] = grade(input.value, Number(input.dataset.least));
    strength.hidden = !text;
    bar.value = value;
    words.textContent = text;
  });
});
