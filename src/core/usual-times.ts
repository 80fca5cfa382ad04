/** How long a plugin takes to start as a rule, in ms. A step that no boot of the history has is left out. */
export interface UsualTimes {
  readonly init?: number;
  readonly ready?: number;
}
