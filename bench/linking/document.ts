/** About 250 words with some fifteen names of the demo KB, written for the bench. */
export const DOCUMENT =
  `The museum had a crowded year. In March it opened a room about the planets, where a model of Mercury hangs beside a
larger one of Saturn. The guide explains to every class that a year is short on the inner worlds and long on the
outer ones, and lets the children push the models along their rails.

A second room followed in May. It begins with a portrait of Ada Lovelace and a page of her notes, passes a red
Jaguar that was built in Coventry and still runs, and ends with a row of screens on which pupils write their first
programs in Python; those who have done so before may choose Java or Rust instead, though few of them do. The
director, who studied mathematics at Cambridge, had asked for such a room for twenty years.

In summer the oldest sheet of the house, which shows the lower Amazon with all of its islands, was lent to a gallery
in Paris. The insurance was paid by a company in Boston, and the crate travelled home with Delta two weeks late.

The autumn fair was about flight: there was a talk on Apollo 11 and an exhibition about the last journey of
Columbia, and the evening ended with a choir that sang the songs of Queen until the lights went out. Nobody had expected it. The doors will
stay open longer next year, and tickets for children will cost nothing on the first Sunday of each month.`.replaceAll(
    /(?<!\n)\n(?!\n)/gu,
    ' ',
  );
