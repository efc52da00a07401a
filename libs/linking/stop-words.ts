/**
 * English function words. A name spelled like one of them ("IT", "US", "WHO", "It", "The The") is a
 * mention only where its spelling shows that it is a name; see `surface-form.ts`.
 */
const WORDS = `
a about above after again against ago all almost along already also although always am among an and
another any anybody anyone anything are around as at away back be became because become been before
behind being below beneath beside besides best better between beyond both but by came can cannot could
did do does doing done down during each either else enough even ever every everybody everyone
everything except few first following for former from further get gets getting give given go goes going
gone got had has have having he hence her here hers herself him himself his how however i if in indeed
instead into is it its itself just keep kept last later latter least less let like likely little made
make makes making many may maybe me might mine more moreover most much must my myself near nearly need
neither never nevertheless new next no nobody none nor not nothing now nowhere of off often on once one
only onto or other others otherwise ought our ours ourselves out over own per perhaps put quite rather
really same say says second see seem seems several shall she should since so some somebody someone
something sometimes somewhere still such take taken than that the their theirs them themselves then
there therefore these they thing things this those though three through throughout thus to together too
took toward towards two under unless until up upon us use used uses using usually very via was way we
well went were what whatever when where whereas whether which while who whoever whole whom whose why
will with within without would yes yet you your yours yourself yourselves
s t d ll m re ve don doesn didn isn aren wasn weren hasn haven hadn won wouldn couldn shouldn
`;

const STOP_WORDS: ReadonlySet<string> = new Set(WORDS.trim().split(/\s+/));

export function isStopWord(normalised: string): boolean {
  return STOP_WORDS.has(normalised);
}
