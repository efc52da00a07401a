import { entityRecord, type EntityRecord } from '../../libs/contract/entity.js';

const entity = (
  id: string,
  [title, ...aliases]: readonly [string, ...string[]],
  types: string,
  description: string,
): EntityRecord => entityRecord.parse({ id, title, aliases, types: [types], description });

/** A KB of names that several things share, for tests. */
export const HOMONYMS: readonly EntityRecord[] = [
  entity('mercury-planet', ['Mercury'], 'planet', 'The smallest planet of the Solar System and the one nearest the Sun.'),
  entity('mercury-element', ['Mercury', 'quicksilver', 'Hg'], 'chemical element', 'A heavy silvery metal that is liquid at room temperature, used in thermometers; poisonous.'),
  entity('mercury-god', ['Mercury', 'Mercurius'], 'deity', 'The Roman god of trade, travellers and thieves, messenger of the gods.'),
  entity('freddie-mercury', ['Freddie Mercury', 'Farrokh Bulsara'], 'singer', 'British singer and songwriter of the rock band Queen.'),
  entity('java-island', ['Java'], 'island', 'An island of Indonesia on which Jakarta lies, the most populous island of the world.'),
  entity('java-language', ['Java'], 'programming language', 'An object-oriented programming language that runs on a virtual machine.'),
  entity('python-language', ['Python'], 'programming language', 'A programming language with dynamic types, known for its readable syntax.'),
  entity('python-snake', ['Python', 'pythons'], 'snake', 'A genus of large snakes of Africa, Asia and Australia that are not venomous and kill by constriction.'),
  entity('jaguar-cat', ['Jaguar', 'Panthera onca'], 'animal', 'A large spotted cat of the forests of Central and South America.'),
  entity('jaguar-cars', ['Jaguar', 'Jaguar Cars'], 'company', 'A British maker of luxury and sports cars, founded in Coventry.'),
  entity('apple-company', ['Apple', 'Apple Inc.'], 'company', 'An American technology company that makes the iPhone and the Mac.'),
  entity('apple-fruit', ['Apple', 'Malus domestica'], 'fruit', 'The round edible fruit of the apple tree, eaten raw or baked in pies.'),
  entity('paris-france', ['Paris'], 'city', 'The capital of France, on the river Seine, with the Eiffel Tower and the Louvre.'),
  entity('paris-texas', ['Paris', 'Paris, Texas'], 'city', 'A small city in Lamar County in the north-east of Texas, United States.'),
  entity('paris-hero', ['Paris'], 'mythical person', 'A prince of Troy in Greek myth who carried off Helen and so began the Trojan War.'),
  entity('amazon-river', ['Amazon', 'Amazon River'], 'river', 'A river of South America, the largest of the world by the water it carries.'),
  entity('amazon-company', ['Amazon', 'Amazon.com'], 'company', 'An American company for online shopping and cloud computing.'),
  entity('cambridge-uk', ['Cambridge'], 'city', 'A university city in the east of England on the river Cam.'),
  entity('cambridge-ma', ['Cambridge'], 'city', 'A city in Massachusetts across the Charles River from Boston, home of Harvard and MIT.'),
  entity('who', ['World Health Organization', 'WHO'], 'organisation', 'The agency of the United Nations for public health.'),
  entity('it', ['Information technology', 'IT'], 'field', 'The use of computers to store, process and send data in an organisation.'),
  entity('cpp', ['C++'], 'programming language', 'A compiled programming language that extends C with classes.'),
  entity('new-york-city', ['New York City', 'New York', 'NYC'], 'city', 'The most populous city of the United States, with five boroughs.'),
  entity('new-york-times', ['The New York Times', 'New York Times'], 'newspaper', 'A daily newspaper published in New York City.'),
]; // prettier-ignore
