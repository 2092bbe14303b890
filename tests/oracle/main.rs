//! What an agency cannot find out: from the answers about somebody whom it is not shown, that there is somebody; from any
//! call, a datum outside its grant.

mod ask;
mod door;
mod outcome;
mod pairs;
mod classifier;
mod unlinkable;
mod world;
mod grant;
mod leak;
mod court;
mod grants;
