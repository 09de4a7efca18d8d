mod policy;
mod real;
mod table;
