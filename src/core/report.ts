export interface BootReport {
  x: 1;
}
